"""DICOM person names: one name in up to three ways of writing it, compared as such (PS3.5 6.2.1.1, 6.2.1.2).

`Yamada^Tarou=山田^太郎=やまだ^たろう`: component groups between `=` (alphabetic, ideographic, phonetic), each of up to
five components between `^` (family, given, middle, prefix, suffix). A file may state any of the groups, and some put
half-width kana or Cyrillic where the alphabetic group belongs, so groups are compared by the script they are in, not
by their place.
"""

from __future__ import annotations

import unicodedata

_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}  # to hiragana: two ways to write one sound
_KANA = "HIRAGANA"


def readable(name: str) -> str:
    """For people: `Yamada Tarou (山田 太郎, やまだ たろう)`."""
    groups = [" ".join(part for part in group.split("^") if part.strip()) for group in name.split("=")]
    first, *scripts = [" ".join(group.split()) for group in groups if group.strip()] or [""]
    return f"{first} ({', '.join(scripts)})" if scripts else first


def names_contradict(first: str, second: str) -> bool | None:
    """Whether two stated names are of two people; None where they share no script, so that nothing can be compared.

    Case, width of letters, accents as one character or two, and empty components at the end make no difference.
    """
    first_scripts, second_scripts = _by_script(first), _by_script(second)
    shared = first_scripts.keys() & second_scripts.keys()
    if not first_scripts or not second_scripts:
        return False
    return any(first_scripts[script] != second_scripts[script] for script in shared) if shared else None


def _by_script(name: str) -> dict[str, tuple[str, ...]]:
    """The components of each group, by the script of its first letter; of two in one script the first counts."""
    groups: dict[str, tuple[str, ...]] = {}
    for group in name.split("="):
        plain = unicodedata.normalize("NFKC", group).casefold().translate(_KATAKANA)
        components = tuple(" ".join(part.split()) for part in plain.rstrip("^ ").split("^"))
        if any(components):
            groups.setdefault(_script(plain), components)
    return groups


def _script(group: str) -> str:
    """The first word of the Unicode name of the first letter: LATIN, CYRILLIC, CJK, HIRAGANA, HANGUL, ARABIC ..."""
    letter = next((character for character in group if character.isalpha()), "")
    script = unicodedata.name(letter, "").split(" ")[0] if letter else ""
    return _KANA if script in ("KATAKANA", "KATAKANA-HIRAGANA") else script
