"""What stands beside a file that states nothing itself: a JSON sidecar (BIDS, dcm2niix), or its name.

NIfTI, NRRD and MHA say neither modality nor unit. A sidecar is believed; a file name is believed for the modality
only, with a warning; two modalities in one name ("pet_on_mri") settle nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.modalities import MODALITIES, code_of, modality_of
from app.core.volume import UNITS

LARGEST_SIDECAR = 10 << 20
ENDINGS = (".nii.gz", ".seg.nrrd", ".nii", ".hdr", ".img", ".nrrd", ".nhdr", ".mha", ".mhd")
MASKS = {"mask", "masks", "seg", "segmentation", "label", "labels", "roi", "contour"}
STATED_UNITS = {unit.lower(): unit for unit in UNITS} | {"bqml": "Bq/mL", "cnts": "counts", "hounsfield": "HU"}


@dataclass(frozen=True)
class Sidecar:
    """modality : DICOM code or ""; unit : one of UNITS or "" where nothing states it."""

    modality: str
    unit: str
    description: str
    body_part: str
    warnings: tuple[str, ...]


def stem(path: Path) -> str:
    """The file's name without its ending, also a double one."""
    name = path.name
    ending = next((end for end in ENDINGS if name.lower().endswith(end)), path.suffix)
    return name[: len(name) - len(ending)] or name


def read_sidecar(path: Path, *, picture: bool = False) -> Sidecar:
    """Modality, unit and description from the sidecar NAME.json, or the modality from the name.

    picture : the file is a plain picture, whose name may hold words that mean something else in that of a volume
    """
    document = _json_beside(path.with_name(stem(path) + ".json"))
    texts = {key: str(value)[:256] for key, value in document.items() if isinstance(value, str)}
    modality = code_of(texts.get("Modality", ""))
    unit = STATED_UNITS.get(texts.get("Units", "").strip().lower(), "")
    warnings: list[str] = []
    if texts.get("Units") and not unit:
        warnings.append(f"The file beside it states the unit {texts['Units'][:20]!r}, which is not known here.")
    if not modality:
        modality, warning = _modality_by_name(stem(path), path.parent.name, picture=picture)
        warnings.append(warning)
    description = texts.get("SeriesDescription") or stem(path)
    return Sidecar(modality, unit, description, texts.get("BodyPartExamined", ""), tuple(warnings))


def _json_beside(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_SIDECAR:
            return {}
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # there mostly is none, and a broken one states nothing
        return {}
    return document if isinstance(document, dict) else {}


def _modality_by_name(name: str, folder: str, *, picture: bool) -> tuple[str, str]:
    """The modality that the file's name speaks of, or the whole name of its folder ("mri/0017.png"); and a warning."""
    words = re.findall(r"[a-z]+[0-9]?[a-z]*|[0-9]+", name.lower())
    vocabularies = {
        code: f"{kind.words} {kind.picture_words if picture else ''}".split() for code, kind in MODALITIES.items()
    }
    modalities = sorted(code for code, vocabulary in vocabularies.items() if set(words) & set(vocabulary))
    if set(words) & MASKS:
        return "", "Its name says it is a mask, not an image."
    titles = " and ".join(modality_of(code).short for code in modalities)
    if len(modalities) == 1:
        return modalities[0], f"The modality {titles} is taken from the file's name; the file itself states none."
    if modalities:
        return "", f"The file's name speaks of {titles}, and the file states no modality: choose its role."
    by_folder = next((code for code, vocabulary in vocabularies.items() if folder.lower() in vocabulary), "")
    if by_folder:
        title = modality_of(by_folder).short
        return by_folder, f"The modality {title} is taken from the folder's name; the file itself states none."
    return "", "Neither the file nor its name states a modality: choose its role."
