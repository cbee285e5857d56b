"""How long fusers take on this machine: python tests/bench/fusion.py [--threads N] [--device auto|cpu|cuda]

Goals on 2 cores: LightFusionNet at most 30 ms for a slice of 256 x 256, and at most 8 s for 256 slices. The table gives
the first slice (which goes alone), the mean of 256 slices as a volume goes through, and loading the network.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from app.base import process

SLICES = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--networks", help="names, with commas between; default: all that can run")
    args = parser.parse_args()
    process.settle()
    from app.fusion import infer, registry  # which import torch

    infer.set_num_threads(args.threads)
    device = infer.pick_device(args.device)
    names = args.networks.split(",") if args.networks else [spec.name for spec in registry.available()]
    draw = np.random.default_rng(0)
    print(f"{device}, {args.threads} threads, {SLICES} slices")
    print("| network | size | load ms | first slice ms | ms per slice | all s |\n|---|---|---|---|---|---|")
    for name in names:
        started = time.perf_counter()
        fuser = registry.load(name, device)
        load_ms = 1000 * (time.perf_counter() - started)
        for size in (256, 512):
            mri, partner = draw.random((2, size, size), dtype=np.float32)
            pairs = ((k, mri, partner) for k in range(SLICES))
            started = time.perf_counter()
            fused = infer.fuse_slices(fuser, pairs, device=device, notes=print)
            next(fused)
            first_ms = 1000 * (time.perf_counter() - started)
            count = 1 + sum(1 for _ in fused)
            all_s = time.perf_counter() - started
            print(f"| {name} | {size} | {load_ms:.1f} | {first_ms:.1f} | {1000 * all_s / count:.1f} | {all_s:.2f} |")


if __name__ == "__main__":
    main()
