"""`synoptic fuse`: an MRI and its partner, from files to files."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.base.progress import Progress, nested
from app.base.terminal import note
from app.cli.command import Command, add_device, add_series, listed, path_argument, print_metrics


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
    parser.add_argument(
        "--slices",
        default="all",
        metavar="all|K|A:B",
        help="from 0 along the MRI's k; B is left out; names of files count from 1",
    )
    add_device(parser)
    add_series(parser, "--mri-series", "--partner-series")
    parser.add_argument(
        "--palette",
        type=lambda name: find_palette(name).name,
        metavar="NAME",
        help=f"colours lent by PET and SPECT, of {', '.join(PALETTES)}; default: grey for CT, else Hot Iron",
    )
    parser.add_argument(
        "--pseudonym",
        dest="subject",
        metavar="NAME",
        help="in the names of files, instead of patient ID and study; '' for neither",
    )
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--different-patients", action="store_true", help="fuse although the headers contradict")
    parser.add_argument("--metrics", action="store_true", help="measure and print their means, as --json always does")
    for switch, _ in switches():
        flag = f"--{switch.name}"
        parser.add_argument(
            flag, dest="switches", action="append_const", const=switch.name, default=[], help=switch.help
        )


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app import export
    from app.case.pipeline import fuse_files
    from app.core.volume import Series

    options = export.Options(
        formats=args.format,
        overwrite=args.overwrite,
        palette=args.palette,
        switches=args.switches,
        subject=args.subject,
    )

    def can_be_written(mri: Series, partner: Series, slices: Sequence[int]) -> None:
        export.check(mri, partner, args.out, replace(options, slices=slices))

    fusion = fuse_files(
        args.mri,
        args.partner,
        network=args.network,
        transform=args.transform,
        slices=args.slices,
        device=args.device,
        mri_series=args.mri_series,
        partner_series=args.partner_series,
        different_patients=args.different_patients,
        measure=args.metrics or args.json,
        check=can_be_written,
        progress=nested(progress, 0, 0.9),
    )
    writing_since = time.monotonic()
    stack, registration, slices = fusion.stack, fusion.registration, fusion.slices
    options = replace(options, slices=slices)
    outputs = export.write(stack, args.out, options, progress=nested(progress, 0.9, 1))
    request = stack.request
    for warning in fusion.warnings:
        note(warning)
    if not args.json:
        print(f"{registration.verdict.value}: {registration.verdict.sentence}", *outputs, sep="\n")
        print_metrics(fusion.metrics)
    return {
        "network": args.network,
        "weights_sha256": stack.weights_sha256 or None,
        "device": stack.device,
        "slices": len(slices),
        "seconds_per_slice": stack.elapsed_s / len(slices),
        "elapsed_s": fusion.elapsed_s + time.monotonic() - writing_since,
        "verdict": registration.verdict.value,
        "alignment": registration.method,
        "fixed_to_moving": registration.fixed_to_moving.tolist(),
        "outputs": [str(path) for path in outputs],
        "metrics": fusion.metrics,
        "windows": {
            "mri": [request.mri_window.low, request.mri_window.high, request.mri_window.unit],
            "partner": [request.partner_window.low, request.partner_window.high, request.partner_window.unit],
            "clipped_percent": [clipped._asdict() for clipped in stack.clipped_percent],
        },
        "warnings": list(fusion.warnings),
    }


COMMAND = Command("fuse", "Fuse an MRI with its partner, or a visible picture with an infrared one.", arguments, run)
