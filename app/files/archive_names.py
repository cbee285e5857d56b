"""Names in zip archives: which characters they are written in, which folders they name, and which lead outside.

The format's names are UTF-8 where a flag says so, and cp437 otherwise (APPNOTE 4.4.4, D.1). Windows has long written
its own code page instead, and `\\` between folders although 4.4.17 asks for `/`. A byte of `\\` can then also be the
second half of a character (`表` is 95 5C in Shift-JIS), so names are decoded before they are split.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Sequence
from itertools import pairwise

LEGACY: dict[str, range] = {  # the code pages of Windows and DOS: first bytes of their everyday characters
    "cp437": range(0x80, 0xA6),  # Western
    "cp850": range(0x80, 0xB8),
    "cp866": range(0x80, 0xF2),  # Russian
    "cp932": range(0x82, 0x98),  # Japanese: kana and the first level of JIS
    "cp949": range(0xB0, 0xC9),  # Korean: the syllables
    "gbk": range(0xB0, 0xD8),  # Chinese: the first level of GB 2312
    "big5": range(0xA4, 0xC7),
}
_UTF_8 = 0x800  # APPNOTE 4.4.4, bit 11
_DRIVE = re.compile(r"[A-Za-z]:")
_FORBIDDEN = re.compile(r'[:*?"<>|]')  # in file names of Windows; a colon would name a stream within a file there


def decoded_names(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The names of an archive's entries, all legacy ones in the one encoding that gives the most plausible words."""
    raw = [None if entry.flag_bits & _UTF_8 else entry.orig_filename.encode("cp437", "replace") for entry in entries]
    encoding = _encoding([name for name in raw if name is not None and not name.isascii()])
    return [
        entry.orig_filename if name is None else name.decode(encoding, "replace")
        for entry, name in zip(entries, raw, strict=True)
    ]


def folders_and_name(name: str) -> tuple[str, ...] | None:
    """The parts of a name, below the folder that is unpacked to; () for the folder itself, None if it leads outside."""
    parts = re.split(r"[/\\]", name)
    if not name or "\0" in name or not parts[0] or ".." in parts or _DRIVE.match(name):
        return None
    return tuple(_FORBIDDEN.sub("_", part) for part in parts if part not in ("", "."))


def is_folder(name: str) -> bool:
    return name.endswith(("/", "\\"))


def _encoding(names: Sequence[bytes]) -> str:
    """UTF-8 where all names are that; else the code page in which they look most like words, the first of equals."""
    if _all_fit(names, "utf-8"):
        return "utf-8"
    fitting = [encoding for encoding in LEGACY if _all_fit(names, encoding)]
    return min(fitting, key=lambda encoding: sum(_oddities(name, encoding) for name in names))


def _all_fit(names: Sequence[bytes], encoding: str) -> bool:
    try:
        return all(name.decode(encoding) is not None for name in names)
    except UnicodeDecodeError:
        return False


def _oddities(raw: bytes, encoding: str) -> int:
    """How much of a name no one would write: rare signs, scripts and capitals within a word, empty folders."""
    name = raw.decode(encoding)
    foreign = [character for character in name if not character.isascii()]
    rare = sum(
        not character.isalpha() or character.encode(encoding)[0] not in LEGACY[encoding] for character in foreign
    )
    letters = [(first, second) for first, second in pairwise(name) if first.isalpha() and second.isalpha()]
    mixed = sum(_script(first) != _script(second) for first, second in letters)
    cased = sum(first.islower() and second.isupper() for first, second in letters)
    return rare + mixed + cased + name.count("\\/") + ("/" in name and "\\" in name)


def _script(character: str) -> str:
    """The script of a letter; kana and ideographs stand in one word."""
    script = unicodedata.name(character, "").split(" ")[0]
    return "CJK" if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH") else script
