"""`synoptic fuse`: an MRI and its partner, from files to files."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.base.progress import Progress, nested
from app.base.terminal import note
from app.cli.command import Command, add_device, listed, path_argument
from app.cli.series_choice import pick_series, pick_slices, require_path, series_warnings


def arguments(parser: argparse.ArgumentParser) -> None:
    from app.core.palettes import PALETTES, find_palette
    from app.export.formats import EXPORT_FORMATS, switches

    parser.add_argument("mri", type=path_argument, metavar="MRI")
    parser.add_argument("partner", type=path_argument, metavar="PARTNER")
    parser.add_argument("--network", required=True, metavar="NAME", help="see `synoptic networks`")
    parser.add_argument("--out", type=path_argument, required=True, metavar="DIR")
    parser.add_argument("--transform", default="auto", metavar="auto|none|FILE")
    formats = tuple(EXPORT_FORMATS)
    parser.add_argument("--format", type=listed(formats), default=("nifti",), metavar=",".join(formats))
    parser.add_argument("--slices", default="all", metavar="all|K|A:B", help="from 0 along the MRI's k; B is left out")
    add_device(parser)
    parser.add_argument("--mri-series", metavar="UID")
    parser.add_argument("--partner-series", metavar="UID")
    parser.add_argument(
        "--palette",
        type=lambda name: find_palette(name).name,
        metavar="NAME",
        help=f"colours lent by PET and SPECT, of {', '.join(PALETTES)}; default: grey for CT, else Hot Iron",
    )
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--different-patients", action="store_true", help="fuse although the headers contradict")
    for switch, _ in switches():
        flag = f"--{switch.name}"
        parser.add_argument(
            flag, dest="switches", action="append_const", const=switch.name, default=[], help=switch.help
        )


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app import export
    from app.case import pipeline
    from app.fusion import registry

    registry.check(args.network)  # a misspelt name, or altered weights, are told before any work
    how = args.transform if args.transform in ("auto", "none") else Path(args.transform)
    if isinstance(how, Path):
        require_path(how)
    mri = pick_series(args.mri, args.mri_series, "--mri-series", role="MRI", progress=nested(progress, 0, 0.03))
    partner = pick_series(args.partner, args.partner_series, "--partner-series", role="partner", apart=mri)
    if not args.different_patients:
        pipeline.check_patients(mri, partner)
    slices = pick_slices(args.slices, mri.size[2])
    options = export.Options(
        formats=args.format,
        slices=slices,
        overwrite=args.overwrite,
        palette=args.palette,
        switches=args.switches,
    )
    export.check(mri, partner, args.out, options)
    started = time.monotonic()
    volumes = pipeline.read_pair(mri, partner, nested(progress, 0.03, 0.15))
    slices = pick_slices(args.slices, volumes[0].geometry.size[2])  # a gap filled in may have added slices
    registration = pipeline.register_pair(*volumes, how=how, progress=nested(progress, 0.15, 0.4))
    aligned = pipeline.align(*volumes, registration, nested(progress, 0.4, 0.5))
    request = pipeline.default_request(aligned, args.network, args.device)
    stack = pipeline.fuse_pair(aligned, request, slices=slices, progress=nested(progress, 0.5, 0.7))
    means = pipeline.mean_metrics(stack, slices, nested(progress, 0.7, 0.9))
    outputs = export.write(stack, args.out, replace(options, slices=slices), progress=nested(progress, 0.9, 1))
    warnings = [*series_warnings(mri, partner), *registration.warnings, *stack.notes]
    for warning in warnings:
        note(warning)
    if not args.json:
        print(f"{registration.verdict.value}: {registration.verdict.sentence}", *outputs, sep="\n")
    return {
        "network": args.network,
        "weights_sha256": stack.weights_sha256 or None,
        "device": stack.device,
        "slices": len(slices),
        "seconds_per_slice": stack.elapsed_s / len(slices),
        "elapsed_s": time.monotonic() - started,
        "verdict": registration.verdict.value,
        "outputs": [str(path) for path in outputs],
        "metrics": means,
        "windows": {
            "mri": [request.mri_window.low, request.mri_window.high, request.mri_window.unit],
            "partner": [request.partner_window.low, request.partner_window.high, request.partner_window.unit],
            "clipped_percent": [clipped._asdict() for clipped in stack.clipped_percent],
        },
        "warnings": warnings,
    }


COMMAND = Command("fuse", "Fuse an MRI with its partner, or a visible picture with an infrared one.", arguments, run)
