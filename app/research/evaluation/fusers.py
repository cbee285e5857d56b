"""The networks that a research command asks for, published or from a weights file, as functions over unit pictures."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from app.base.errors import UsageError
from app.base.terminal import note
from app.fusion import infer, registry, weights
from app.fusion.large_kernel import Kept
from app.research.pairs import Pair, read_pairs, thinned

Unit = NDArray[np.floating]  # [H, W] in [0, 1]
FuseUnit = Callable[[Unit, Unit], Unit]  # mri, partner -> fused, not rounded


class NothingToMeasureError(UsageError):
    hint = "Name networks, or folders with a fused picture for every pair of a task."

    def __init__(self) -> None:
        super().__init__("There is no network and no fused picture to measure.")


class NoWeightsFileError(UsageError):
    hint = "Say --weights NAME=FILE with a network's name and the safetensors file that a training wrote."

    def __init__(self, option: str) -> None:
        super().__init__(f"--weights {option} names no file that is there.")


def asked_pairs(args: argparse.Namespace) -> list[Pair]:
    """The medical pairs of the split that the options name; with --scalar those that have one."""
    pairs = read_pairs(args.pairs, args.split, scalars=args.scalar)
    return thinned([pair for pair in pairs if pair.scalar is not None or not args.scalar], args.per_task)


def asked_networks(args: argparse.Namespace) -> dict[str, FuseUnit]:
    """By name, in the order asked for; weights from a file take the place of the published ones.

    NothingToMeasureError where none is asked for.
    """
    device = infer.pick_device(args.device)
    loaded = networks_by_name(args.networks or "all", args.weights, device)
    if not loaded:
        raise NothingToMeasureError
    return {name: as_function(network, device) for name, network in loaded.items()}


def networks_by_name(names: str, files: Sequence[str], device: str) -> dict[str, nn.Module]:
    """names : "all" that can run, "none", or names with commas between; files : NAME=FILE, taken for the published

    Of "all", a note tells which cannot run, and why.
    """
    of_file = dict(named_file(option) for option in files)
    for spec in registry.networks() if names == "all" else ():
        if spec.name not in of_file and (error := registry.missing(spec)):
            note(f"{spec.title} is left out: {error}")
    of_groups = {"all": [spec.name for spec in registry.available()], "none": []}
    wanted = of_groups.get(names, names.split(","))
    return {
        name: from_file(name, of_file[name]) if name in of_file else registry.load(name, device)
        for name in dict.fromkeys([*wanted, *of_file])
    }


def named_file(option: str) -> tuple[str, Path]:
    name, _, file = option.partition("=")
    if not Path(file).is_file():
        raise NoWeightsFileError(option)
    return name, Path(file)


def from_file(name: str, file: Path) -> nn.Module:
    network = built(name, file)
    weights.put(network, weights.read_tensors(file, weights.sha256_of(file)), file)
    return network.eval()


def built(name: str, file: Path) -> nn.Module:
    """The network as the file's was made, its weights not yet put in; WeightsMismatchError where it is another's."""
    try:
        return registry.build(name, **weights.arguments_in(file))
    except TypeError as error:
        raise weights.WeightsMismatchError(file, f"{name} is not made that way ({error})") from error


def as_function(network: nn.Module, device: str = "cpu") -> FuseUnit:
    """A network through the same door as volumes go, in float32 and not rounded to 8 bits."""
    network.to(device)
    kept: Kept = {}

    def moved(to: str) -> None:
        nonlocal device
        device = to

    def fuse(mri: Unit, partner: Unit) -> Unit:
        slices = [(0, mri.astype(np.float32), partner.astype(np.float32))]
        ((_, fused),) = infer.fuse_slices(network, slices, device=device, notes=note, moved=moved, kept=kept)
        return fused.astype(np.float64)

    return fuse
