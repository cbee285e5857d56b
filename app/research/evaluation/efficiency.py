"""How large and how fast networks are: parameters, compute, time and memory, each measured in a process of its own.

    python -m app.research efficiency [--networks a,b] [--sizes 256,512] [--devices cpu,cuda] [--json]

The columns of Table 7 of the LKC-FUNet paper and of Table 5 of the SSPFusion paper:

parameters; file_mb : of the network, and its weights file
multiply_adds_g, flops_g : 10^9 for a slice, in convolutions and matrix products (2 FLOPs to a multiply-add; what else
    a network does is not counted), by torch's counter on tensors without content
load_ms : from the name to a network ready on the device, weights checked; torch itself is loaded already
ms : for a slice, from float arrays to a float array, with the threads told: the best of some, since whatever else the
    machine does only ever adds
peak_mb : CPU: the most memory the whole process held, of which base_mb before the network was loaded; null where the
    system does not tell. GPU: the most that tensors took there, and null
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from app.base.assets import model_weights
from app.base.errors import FusionError, UsageError
from app.base.progress import Cancelled, Progress
from app.base.terminal import CANCELLED, run_apart
from app.fusion import infer, registry
from app.research.evaluation.fusers import as_function
from app.research.evaluation.options import add_json

MB = 1e6
LARGEST = 4096  # pixels along a side


class SizesError(UsageError):
    def __init__(self, sizes: str) -> None:
        super().__init__(f"--sizes {sizes} is no list of sides in pixels.", hint=f"Say 256,512: 16 to {LARGEST} each.")


class NoMeasurementError(FusionError):
    hint = "Where memory ran short, close other programs or leave that size out."

    def __init__(self, name: str, size: int, device: str, last_words: str) -> None:
        super().__init__(f"{name} at {size} x {size} on {device} could not be measured: {last_words}")


@dataclass(frozen=True)
class Efficiency:
    """One network at one size on one device; the module tells what is what."""

    network: str
    device: str
    threads: int
    size: int
    parameters: int
    file_mb: float
    multiply_adds_g: float
    flops_g: float
    load_ms: float
    ms: float
    peak_mb: float | None
    base_mb: float | None


def ms_per_slice(network: nn.Module, size: int = 256, device: str = "cpu", seconds: float = 3.0) -> float:
    """The best measured time for one slice of size x size: three at least, more while `seconds` last."""
    source = np.random.default_rng(0).random((size, size), dtype=np.float32)
    fuse = as_function(network, device)
    taken: list[float] = []
    while len(taken) < 3 or (sum(taken) < seconds and len(taken) < 100):
        started = time.perf_counter()
        fuse(source, source)
        taken.append(time.perf_counter() - started)
    return 1000 * min(taken)


def multiply_adds(network: nn.Module, height: int, width: int) -> int:
    """For one slice, in convolutions and matrix products."""
    hollow = deepcopy(network).to("meta")
    source = torch.zeros(1, 1, height, width, device="meta")
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        infer.forward(hollow, source, source)  # all of the slice: nothing of it is air
    return counter.get_total_flops() // 2


def measure_here(name: str, size: int, device: str) -> Efficiency:
    """Measure in this process, which must have loaded no network before."""
    base_mb = _peak_mb() if device == "cpu" else None
    started = time.perf_counter()
    network = registry.load(name, device)
    load_ms = 1000 * (time.perf_counter() - started)
    ms = ms_per_slice(network, size, device)
    peak_mb = torch.cuda.max_memory_allocated() / MB if device == "cuda" else _peak_mb()
    described = registry.describe(registry.find(name))
    files = [described["weights"]] if described["weights"] else []
    files += [described["over"]["file"]] if described["over"] else []
    counted = multiply_adds(network, size, size)
    return Efficiency(
        network=name,
        device=device,
        threads=torch.get_num_threads(),
        size=size,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        file_mb=sum((model_weights() / file).stat().st_size for file in files) / MB,
        multiply_adds_g=counted / 1e9,
        flops_g=2 * counted / 1e9,
        load_ms=load_ms,
        ms=ms,
        peak_mb=peak_mb,
        base_mb=base_mb,
    )


def _peak_mb() -> float | None:
    """The most memory this process has held so far; Linux, which getrusage would tell the parent's peak, and macOS."""
    if sys.platform == "linux":
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / MB
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
    return None


def measure_apart(name: str, size: int, device: str, check: Callable[[], None] = lambda: None) -> Efficiency:
    """Measure in a fresh process; NoMeasurementError, with its last words, where that ends without a result.

    check : called now and then meanwhile; what it raises ends the process
    """
    words = ["--here", "--networks", name, "--sizes", str(size), "--devices", device, "--json"]
    ran = run_apart(
        [sys.executable, "-m", "app.research", "efficiency", *words],
        check,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)},
        stderr=subprocess.PIPE,
    )
    if ran.returncode == CANCELLED:  # Ctrl-C reaches it, too
        raise Cancelled
    if ran.returncode:
        raise NoMeasurementError(name, size, device, ran.stderr.strip() or f"it ended with {ran.returncode}.")
    (row,) = json.loads(ran.stdout)
    return Efficiency(**row)


def as_markdown(rows: Sequence[Efficiency]) -> str:
    names = (
        "network", "device", "size", "parameters", "file MB", "multiply-adds G", "FLOPs G", "load ms", "ms a slice",
        "peak MB", "of it before",
    )  # fmt: skip
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for row in rows:
        numbers = (row.file_mb, row.multiply_adds_g, row.flops_g, row.load_ms, row.ms, row.peak_mb, row.base_mb)
        cells = [row.network, row.device, f"{row.size} x {row.size}", f"{row.parameters:,}", *map(_shown, numbers)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"With {rows[0].threads} threads on the CPU."])


def _shown(number: float | None) -> str:
    """Three figures, whole from 1000 on: a comma for thousands and no exponent."""
    if number is None:
        return "-"
    return f"{number:,.0f}" if number >= 1000 else f"{float(f'{number:.3g}'):g}"


def _sizes(text: str) -> list[int]:
    sizes = [int(part) if part.isdecimal() else 0 for part in text.split(",")]
    if not all(16 <= size <= LARGEST for size in sizes):
        raise SizesError(text)
    return sizes


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--networks", metavar="A,B", help="names, with commas between; default: all that can run")
    parser.add_argument("--sizes", default="256,512", metavar="A,B", help="sides of square slices, in pixels")
    parser.add_argument("--devices", help="cpu, cuda, or both with a comma; default: what is there")
    parser.add_argument("--here", action="store_true", help="in this process, where peaks of memory add up")
    add_json(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    names = args.networks.split(",") if args.networks else [spec.name for spec in registry.available()]
    here = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    devices = [infer.pick_device(device) for device in args.devices.split(",")] if args.devices else here
    sizes = _sizes(args.sizes)
    for name in names:
        registry.find(name)
    works = [(name, size, device) for device in devices for size in sizes for name in names]
    rows: list[Efficiency] = []
    for done, (name, size, device) in enumerate(works):
        check = partial(progress, done / len(works), f"{name}, {size} x {size}, {device}")
        check()
        rows.append(measure_here(name, size, device) if args.here else measure_apart(name, size, device, check))
    print(json.dumps([asdict(row) for row in rows], indent=1) if args.json else as_markdown(rows))
