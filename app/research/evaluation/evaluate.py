"""What `synoptic evaluate` does: fuse registered pairs with networks, take other programs' pictures, compare them all.

    PAIRS/<task>/<split>/<modality>/<id>.png     or, of one task alone,     PAIRS/<modality>/<id>.png
    FUSED/<task>/<id>.png                                                   FUSED/<id>.png
    PEERS/<method>/<task>/<id>.png                                          PEERS/<method>/<id>.png

Pictures are saved as PEERS are read, so that a slow network's can be compared again without running it: the luma that
was measured (`save_luma`), which measures the same again, or with the colours of the pair's coloured picture put back
(`save`), where they leave no room for the fused luma clipped, and so changed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from torch import nn

from app.base.errors import InputError, UsageError
from app.base.progress import Progress, nested
from app.base.terminal import note
from app.fusion import infer
from app.metrics.image_files import read_picture
from app.research.evaluation import per_image, tables
from app.research.evaluation.fusers import NothingToMeasureError, networks_by_name
from app.research.evaluation.options import add_evaluate
from app.research.evaluation.validation import Fuse, by_network, measure_each, unit
from app.research.pairs import (
    ROLES,
    Pair,
    PairFolderError,
    Picture,
    UnknownTaskError,
    modality_folder,
    read_luma,
    read_task,
)


class EvaluatedFolderError(PairFolderError):
    hint = f"{PairFolderError.hint} One task alone may also be <folder>/<modality>/<id>.png."


class FusedPictureError(InputError):
    hint = "A fused picture has its pair's name, ends in .png and is as large as its sources."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} {fact}.")


class SameFolderError(UsageError):
    hint = "Name two folders: what is saved has the same names in both."

    def __init__(self) -> None:
        super().__init__("--save and --save-luma name one folder.")


class SameFileError(UsageError):
    hint = "Name another file for each."

    def __init__(self, path: Path) -> None:
        super().__init__(f"--table and --per-image name {path} twice.")


class SameNameError(UsageError):
    hint = "Rename the folder."

    def __init__(self, name: str) -> None:
        super().__init__(f"Two methods have the name {name!r}.")


@dataclass(frozen=True)
class Request:
    """The command's options by their names.

    task : "all" that are there, or names with commas between; networks : "all", "none", or names likewise
    """

    pairs: Path
    task: str = "all"
    split: str = "val"
    networks: str = "all"
    weights: Sequence[str] = ()
    scalar: bool = False
    device: str = "auto"
    fused: Path | None = None
    peers: Path | None = None
    save: Path | None = None
    save_luma: Path | None = None
    table: Sequence[Path] = ()
    per_image: Path | None = None


def compare(request: Request, progress: Progress, note: Callable[[str], None]) -> tables.Tables:
    """Means by task and method, with "ms_per_image" (the median) and "parameters", NaN for pictures from elsewhere.

    Writes what the request asks for; `note` hears what was left out.
    """
    writers = {path: tables.writer_for(path) for path in request.table}
    files = [*request.table, *([request.per_image] if request.per_image else [])]
    for number, path in enumerate(files):
        tables.check_target(path)
        if path.resolve() in [earlier.resolve() for earlier in files[:number]]:
            raise SameFileError(path)
    if request.save and request.save_luma and request.save.resolve() == request.save_luma.resolve():
        raise SameFolderError
    device = infer.pick_device(request.device)
    networks = networks_by_name(request.networks, request.weights, device)
    folders, alone = task_folders(request.pairs, request.split, request.task)
    pairs = [pair for task, folder in folders.items() for pair in _pairs_of(folder, task, request.scalar)]
    pictures = _pictures(request, pairs, alone, networks.keys(), note)
    if not pictures and not networks:
        raise NothingToMeasureError

    def made(name: str, pair: Pair, fused: Picture) -> None:
        if request.save_luma:
            _save(_path(request.save_luma / name, pair, alone), fused)
        if request.save:
            _save(_path(request.save / name, pair, alone), coloured(fused, pair))

    share = len(pictures) / (len(pictures) + len(networks))
    measured: list[per_image.Measured] = []
    for number, (name, (fuse, covered)) in enumerate(pictures.items()):  # first: a bad file is named before work begins
        part = nested(progress, share * number / len(pictures), share * (number + 1) / len(pictures))
        measured += measure_each(covered, {name: fuse}, scalar=request.scalar, timed=False, progress=part)
    fusers = {name: by_network(network, device, scalar=request.scalar) for name, network in networks.items()}
    measured += measure_each(pairs, fusers, scalar=request.scalar, made=made, progress=nested(progress, share, 1))

    for sentence in per_image.undefined(measured):
        note(sentence)
    results = _with_costs(measured, networks)
    in_order = {task: results[task] for task in folders if task in results}
    for path, writer in writers.items():
        tables.write_text(path, writer(in_order))
    if request.per_image:
        tables.write_text(request.per_image, per_image.as_csv(measured))
    return in_order


arguments = add_evaluate


def run(args: argparse.Namespace, progress: Progress) -> Any:
    """The command: prints the tables, unless --json asks for the document that is given back."""
    request = Request(**{field.name: getattr(args, field.name) for field in fields(Request)})
    results = compare(request, progress, note)
    if not args.json:
        print(tables.as_markdown(results))
    return tables.as_document(results)


def task_folders(folder: Path, split: str, task: str = "all") -> tuple[dict[str, Path], bool]:
    """The folders that hold the modalities, by task; and whether the folder given is itself one.

    Raises UnknownTaskError; PairFolderError where one asked for, or any, is missing, or one folder holds several.
    """
    names = [] if task == "all" else task.split(",")
    for name in names:
        if name not in ROLES:
            raise UnknownTaskError(name)
    if not folder.is_dir():
        raise EvaluatedFolderError(folder, "is not a folder")
    alone = not any((folder / name).is_dir() for name in ROLES)
    if alone:
        folders = {name: folder for name, both in ROLES.items() if all(modality_folder(folder, one) for one in both)}
    else:
        folders = {name: folder / name / split for name in ROLES if (folder / name / split).is_dir()}
    missing = [f"{name} pair" for name in names if name not in folders] or ["pair of any task"] * (not folders)
    if missing:
        raise EvaluatedFolderError(folder, f"holds no {missing[0]}" + f" for the split {split!r}" * (not alone))
    folders = {name: path for name, path in folders.items() if not names or name in names}
    if alone and len(folders) > 1:
        raise EvaluatedFolderError(folder, f"holds {' and '.join(folders)}: say which with --task")
    return folders, alone


def _pairs_of(folder: Path, task: str, scalar: bool) -> list[Pair]:
    pairs = read_task(folder, task, scalars=scalar)
    if not pairs:
        raise EvaluatedFolderError(folder, f"holds no picture in {' and '.join(ROLES[task])}")
    return pairs


def _pictures(
    request: Request, pairs: Sequence[Pair], alone: bool, taken: Collection[str], note: Callable[[str], None]
) -> dict[str, tuple[Fuse, list[Pair]]]:
    """By method: what reads its pictures, and the pairs of the tasks for which it has them all."""
    for folder in (request.fused, request.peers):
        if folder and not folder.is_dir():
            raise FusedPictureError(folder, "is not a folder")
    folders = [request.fused] if request.fused else []
    folders += sorted(inside for inside in request.peers.iterdir() if inside.is_dir()) if request.peers else []
    methods: dict[str, tuple[Fuse, list[Pair]]] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in methods or name in taken:
            raise SameNameError(name)
        covered: list[Pair] = []
        for task in dict.fromkeys(pair.task for pair in pairs):
            of_task = [pair for pair in pairs if pair.task == task]
            lacking = [path for pair in of_task if not (path := _path(folder, pair, alone)).is_file()]
            if not lacking:
                covered += of_task
            elif folder == request.fused and (alone or len(lacking) < len(of_task)):
                raise FusedPictureError(lacking[0], "does not exist")
            else:
                note(f"{name} is left out of {task}: {lacking[0]} does not exist.")
        if covered:
            methods[name] = partial(_read_fused, folder, alone), covered
        elif folder == request.fused:
            raise FusedPictureError(folder, "holds no fused picture of these pairs")
    return methods


def _path(folder: Path, pair: Pair, alone: bool) -> Path:
    return (folder if alone else folder / pair.task) / f"{pair.name}.png"


def _read_fused(folder: Path, alone: bool, pair: Pair) -> Picture:
    path = _path(folder, pair, alone)
    fused = read_luma(path)
    if fused.shape != pair.mri.shape:
        sizes = " x ".join(map(str, fused.shape[::-1])), " x ".join(map(str, pair.mri.shape[::-1]))
        raise FusedPictureError(path, f"is {sizes[0]}, its sources are {sizes[1]}")
    return fused


def coloured(fused: Picture, pair: Pair) -> Picture:
    """(H, W) luma with the colours of the pair's coloured picture, (H, W, 3); as it is where there are none."""
    from app.core.values import luma_chroma, restore_chroma

    colours = read_picture(pair.coloured) if pair.coloured else fused
    if colours.ndim == 3 and (colours != colours[..., :1]).any():
        return restore_chroma(unit(fused), luma_chroma(colours)[1])
    return fused


def _save(path: Path, pixels: Picture) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)
    except OSError as error:
        raise tables.CannotWriteError(path, error.strerror or str(error)) from error


def _with_costs(measured: Sequence[per_image.Measured], networks: Mapping[str, nn.Module]) -> tables.Tables:
    results = per_image.means_by_method(measured)
    for task, table in results.items():
        for method, row in table.items():
            network = networks.get(method)
            row["ms_per_image"] = median(
                picture.ms for picture in measured if (picture.task, picture.method) == (task, method)
            )
            parameters = network.parameters() if network else ()
            row["parameters"] = sum(parameter.numel() for parameter in parameters) if network else math.nan
    return results
