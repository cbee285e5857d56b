"""Folders of registered picture pairs, and the pairs in them: MRI, partner as luma, and the scalar behind its colours.

    <folder>/<task>/{train,val}/<modality>/<id>.png      task: ct-mri, pet-mri, spect-mri or ir-vis; JPEG too

The folders are split by patient already (see the data's manifest); nothing here mixes them. PET and SPECT are coloured:
their luma is what the field's published tables fuse, and it is not monotonic in uptake (yellow 226, red 76). Real
volumes come as scalars, so both are kept: `luma`, and `scalar`, the colour's place in its table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.base.errors import InputError, UsageError
from app.metrics.image_checks import as_picture
from app.metrics.image_files import read_picture
from app.research.colour_table import colour_table, scalar_of

Picture = NDArray[np.uint8]
Unit = NDArray[np.float32]  # grey values of 0 to 1

ROLES = {  # task: the folders of (MRI or its stand-in, partner)
    "ct-mri": ("mri", "ct"),
    "pet-mri": ("mri", "pet"),
    "spect-mri": ("mri", "spect"),
    "ir-vis": ("vis", "ir"),
}
MEDICAL_TASKS = ("ct-mri", "pet-mri", "spect-mri")
TABLED = ("pet", "spect")  # coloured through a table
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


class PairFolderError(InputError):
    hint = (
        "Expected are <folder>/<task>/<split>/<modality>/<id>.png with equal ids in both modalities: mri and ct, pet "
        "or spect; vis and ir."
    )

    def __init__(self, folder: Path, fact: str) -> None:
        super().__init__(f"{folder} {fact}.")


class UnknownTaskError(UsageError):
    def __init__(self, task: str) -> None:
        super().__init__(f"There is no task {task!r}.", hint=f"Known are {', '.join(ROLES)}.")


@dataclass(frozen=True)
class Pair:
    """mri, luma : uint8 [H, W]; scalar : uint8 [H, W], the partner's uptake, or None where `luma` is all there is.

    coloured : the file that lends a fused picture its colours, if it has any: the partner's, or the visible picture's
    """

    task: str
    name: str
    mri: Picture
    luma: Picture
    scalar: Picture | None = None
    coloured: Path | None = None


def read_pairs(folder: Path, split: str, tasks: Sequence[str] = (), *, scalars: bool = True) -> list[Pair]:
    """All pairs of a split, sorted by task and name; PairFolderError where a task, a picture or its partner is missing,
    UnknownTaskError where a task is none of ROLES.

    tasks : each must have pairs; without any, the medical tasks that have. scalars : see `read_task`
    """
    for task in tasks:
        if task not in ROLES:
            raise UnknownTaskError(task)
    if not folder.is_dir():
        raise PairFolderError(folder, "is not a folder")
    names = list(dict.fromkeys(tasks or MEDICAL_TASKS))
    by_task = {task: read_task(folder / task / split, task, scalars=scalars) for task in names}
    missing = [task for task, pairs in by_task.items() if not pairs]
    if missing and (tasks or missing == names):
        raise PairFolderError(folder, f"holds no pair of {', '.join(missing)} for {split!r}")
    return [pair for pairs in by_task.values() for pair in pairs]


def digest(pairs: Sequence[Pair]) -> str:
    """SHA-256 of all of them, in order: what a run that goes on must be given again."""
    hashed = hashlib.sha256()
    for pair in pairs:
        hashed.update(f"{pair.task}/{pair.name}".encode())
        for picture in (pair.mri, pair.luma, pair.scalar):
            hashed.update(b"" if picture is None else np.ascontiguousarray(picture).tobytes())
    return hashed.hexdigest()


def thinned(pairs: Sequence[Pair], per_task: int) -> list[Pair]:
    """At most `per_task` pairs of each task, evenly spaced in the order given; all of them where that is 0."""
    kept: list[Pair] = []
    for task in dict.fromkeys(pair.task for pair in pairs):
        of_task = [pair for pair in pairs if pair.task == task]
        count = min(per_task or len(of_task), len(of_task))
        kept += [of_task[number * len(of_task) // count] for number in range(count)]
    return kept


def read_task(folder: Path, task: str, *, scalars: bool = True) -> list[Pair]:
    """The pairs in a folder's two subfolders, which ROLES names, sorted by name; none where it has none.

    scalars : look for the colour table of PET and SPECT; ColourTableError where there is none
    """
    of_mri, of_partner = (_pictures(modality_folder(folder, modality)) for modality in ROLES[task])
    for lonely in sorted(of_mri.keys() ^ of_partner.keys()):
        path = {**of_mri, **of_partner}[lonely]
        raise PairFolderError(folder, f"has {path.relative_to(folder)} in one of its two modalities only")
    pairs = [
        Pair(
            task,
            name,
            read_luma(path),
            read_luma(of_partner[name]),
            None,
            path if task == "ir-vis" else of_partner[name],
        )
        for name, path in of_mri.items()
    ]
    for pair in pairs:
        if pair.mri.shape != pair.luma.shape:
            sizes = " and ".join(f"{picture.shape[1]} x {picture.shape[0]}" for picture in (pair.mri, pair.luma))
            raise PairFolderError(folder, f"has {of_mri[pair.name].name} in two sizes, {sizes}")
    if not pairs or not scalars or ROLES[task][1] not in TABLED:
        return pairs
    coloured = [np.asarray(Image.open(path).convert("RGB")) for path in of_partner.values()]
    table = colour_table(coloured)
    return [replace(pair, scalar=scalar_of(rgb, table)) for pair, rgb in zip(pairs, coloured, strict=True)]


def modality_folder(folder: Path, modality: str) -> Path | None:
    """The subfolder of that name, in capitals or not; None where there is none, PairFolderError where there are two."""
    if not folder.is_dir():
        return None
    folders = sorted(inside for inside in folder.iterdir() if inside.name.lower() == modality and inside.is_dir())
    if len(folders) > 1:
        raise PairFolderError(folder, f"has both {folders[0].name} and {folders[1].name}")
    return folders[0] if folders else None


def _pictures(folder: Path | None) -> dict[str, Path]:
    """Pictures by their name without suffix, sorted by it."""
    pictures: dict[str, Path] = {}
    if folder is None:
        return pictures
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            if path.stem in pictures:
                raise PairFolderError(folder, f"has both {pictures[path.stem].name} and {path.name}")
            pictures[path.stem] = path
    return dict(sorted(pictures.items()))


def read_luma(path: Path) -> Picture:
    """A picture as 8-bit luma, BT.601 full range, rounded; PictureFileError where it is none."""
    return as_picture(read_picture(path), str(path)).astype(np.uint8)
