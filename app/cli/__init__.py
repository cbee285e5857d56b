"""The command `synoptic`: one function per command, which parses, calls one function of the layer below and prints.

Every command takes --json: one document on stdout, progress on stderr; `app.base.terminal` tells the exit codes.
A command's module is imported when it runs, so that `synoptic --help` starts at once.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

from app import NOT_FOR_DIAGNOSIS, __version__
from app.base.errors import AppError, UsageError
from app.base.progress import Cancelled, Progress, nested
from app.base.terminal import CANCELLED, exit_code, note, whole_number
from app.cli.series_choice import pick_series, pick_slices, require_path, series_warnings

Command = Callable[[argparse.Namespace, Progress], Any]
LAYOUTS = ("side-by-side", "overlay", "zoom", "planes")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is returned, never raised."""
    argv = list(sys.argv[1:] if argv is None else argv)

    def work(progress: Progress) -> None:
        args = parse(argv)
        document = args.run(args, progress)
        if args.json:
            _print_json(document)

    def told(error: AppError) -> None:
        if "--json" in argv:  # even where the arguments could not be parsed
            _print_json({"error": str(error), "hint": error.hint})

    return exit_code(work, told)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=1, allow_nan=False, default=str))


class _Parser(argparse.ArgumentParser):
    def __init__(self, **given: Any) -> None:
        super().__init__(allow_abbrev=False, **given)  # --js would give no JSON where an error is told

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Arguments of one command; without a command name it is `view`."""
    commands = _commands()
    if not argv or (argv[0] not in commands.choices and argv[0] not in ("-h", "--help", "--version")):
        argv = ["view", *argv]
    return commands.parser.parse_args(argv)


class _commands:  # noqa: N801 - built on each call: cheap, and nothing global to go stale
    def __init__(self) -> None:
        self.parser = _Parser(
            prog="synoptic",
            description="Read an MRI together with the CT, PET or SPECT of the same patient.",
            epilog=f"{NOT_FOR_DIAGNOSIS}: Synoptic is not a medical device. `synoptic COMMAND --help` tells more.",
        )
        self.parser.add_argument("--version", action="version", version=f"synoptic {__version__}")
        self.sub = self.parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
        self._view()
        self._demo()
        self._info()
        self._register()
        self._fuse()
        self._metrics()
        self._evaluate()
        self._networks()

    @property
    def choices(self) -> Any:
        return self.sub.choices

    def _add(self, run: Command, name: str, text: str) -> argparse.ArgumentParser:
        parser = self.sub.add_parser(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout, progress on stderr")
        parser.set_defaults(run=run)
        return parser

    def _view(self) -> None:
        parser = self._add(view, "view", "Open the window; without a PATH it shows the demo study.")
        parser.add_argument("paths", nargs="*", type=_path, metavar="PATH")
        parser.add_argument("--layout", choices=LAYOUTS)
        parser.add_argument("--network", metavar="NAME", help="see `synoptic networks`")
        parser.add_argument("--screenshot", type=_path, metavar="FILE.png", help="open all, save the window, exit")

    def _demo(self) -> None:
        parser = self._add(demo, "demo", "Write the demo study: MR, CT, FDG PET and SPECT of a digital head.")
        parser.add_argument("folder", type=_path, metavar="DIR")
        parser.add_argument("--seed", type=whole_number, default=0, help="0 or a larger whole number")

    def _info(self) -> None:
        parser = self._add(info, "info", "List the patients, studies and series in files, folders and archives.")
        parser.add_argument("paths", nargs="+", type=_path, metavar="PATH")

    def _register(self) -> None:
        parser = self._add(register, "register", "Register MOVING to FIXED rigidly and save the transform.")
        parser.add_argument("fixed", type=_path, metavar="FIXED")
        parser.add_argument("moving", type=_path, metavar="MOVING")
        parser.add_argument("--out", type=_path, required=True, metavar="T.tfm")
        parser.add_argument("--fixed-series", metavar="UID")
        parser.add_argument("--moving-series", metavar="UID")
        parser.add_argument("--overwrite", action="store_true")

    def _fuse(self) -> None:
        parser = self._add(fuse, "fuse", "Fuse an MRI with its partner, or a visible picture with an infrared one.")
        parser.add_argument("mri", type=_path, metavar="MRI")
        parser.add_argument("partner", type=_path, metavar="PARTNER")
        parser.add_argument("--network", required=True, metavar="NAME", help="see `synoptic networks`")
        parser.add_argument("--out", type=_path, required=True, metavar="DIR")
        parser.add_argument("--transform", default="auto", metavar="auto|none|FILE")
        parser.add_argument("--format", type=_formats, default=("nifti",), metavar="nifti,png,tiff,dicom")
        parser.add_argument(
            "--slices", default="all", metavar="all|K|A:B", help="from 0 along the MRI's k; B is left out"
        )
        parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
        parser.add_argument("--mri-series", metavar="UID")
        parser.add_argument("--partner-series", metavar="UID")
        parser.add_argument(
            "--palette", metavar="NAME", help="colours lent by PET and SPECT; default: grey for CT, Hot Iron"
        )
        parser.add_argument("--overwrite", action="store_true")
        parser.add_argument("--different-patients", action="store_true", help="fuse although the headers contradict")
        parser.add_argument("--derived-mr", action="store_true", help="DICOM as grey derived MR, not secondary capture")
        parser.add_argument("--plain", action="store_true", help="PNG and TIFF without text and colour bar")

    def _metrics(self) -> None:
        parser = self._add(metrics, "metrics", "Measure a fused picture against its two sources (8-bit pictures).")
        for name in ("fused", "a", "b"):
            parser.add_argument(name, type=_path, metavar=name.upper())

    def _evaluate(self) -> None:
        parser = self._add(evaluate, "evaluate", "Compare networks, and other programs' pictures, on registered pairs.")
        parser.add_argument("--pairs", type=_path, required=True, metavar="DIR", help="TASK/SPLIT/MODALITY/ID.png,"
                            " or MODALITY/ID.png: mri with ct, pet or spect; vis with ir")  # fmt: skip
        parser.add_argument("--task", default="all", metavar="all|A,B", help="of ct-mri, pet-mri, spect-mri and ir-vis")
        parser.add_argument("--split", default="val", metavar="NAME")
        parser.add_argument("--networks", default="all", metavar="all|none|A,B", help="see `synoptic networks`")
        parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE", help="not those published")
        parser.add_argument("--scalar", action="store_true", help="PET and SPECT as the scalar behind their colours")
        parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
        parser.add_argument("--fused", type=_path, metavar="DIR", help="another program's pictures, TASK/ID.png")
        parser.add_argument("--peers", type=_path, metavar="DIR", help="a folder of those, METHOD/TASK/ID.png")
        parser.add_argument("--save", type=_path, metavar="DIR", help="write fused pictures with their colours,"
                            " METHOD/TASK/ID.png")  # fmt: skip
        parser.add_argument("--save-luma", type=_path, metavar="DIR", help="write what was measured, grey; as --peers"
                            " it measures the same")  # fmt: skip
        parser.add_argument("--table", type=_path, action="append", default=[], metavar="FILE.md|.csv|.tex")
        parser.add_argument(
            "--per-image", type=_path, metavar="FILE.csv", help="for `app.research.evaluation.statistics`"
        )

    def _networks(self) -> None:
        self._add(networks, "networks", "List the fusion networks that can run now, and show the card of each.")


def view(args: argparse.Namespace, progress: Progress) -> Any:
    for path in args.paths:
        require_path(path)
    from app.ui.application import run

    code = run(args.paths, layout=args.layout, network=args.network, screenshot=args.screenshot)
    if code == CANCELLED:
        raise Cancelled
    return {"screenshot": args.screenshot}


def demo(args: argparse.Namespace, progress: Progress) -> Any:
    from app.phantom.study import write_demo

    truth = write_demo(args.folder, seed=args.seed, progress=progress)
    if not args.json:
        print(f"Demo study written to {args.folder}")
    return {"folder": args.folder, "truth": truth}


def info(args: argparse.Namespace, progress: Progress) -> Any:
    from app.case.pipeline import open_study
    from app.files.scan_report import info_document, info_text

    for path in args.paths:
        require_path(path)
    scan = open_study(args.paths, progress)
    if not args.json:
        print(info_text(scan))
    return info_document(scan)


def register(args: argparse.Namespace, progress: Progress) -> Any:
    from app.case import pipeline
    from app.files import tfm
    from app.registration import register as registration

    tfm.check_target(args.out, overwrite=args.overwrite)
    fixed = pick_series(args.fixed, args.fixed_series, "--fixed-series", progress=nested(progress, 0, 0.05))
    moving = pick_series(args.moving, args.moving_series, "--moving-series", progress=nested(progress, 0.05, 0.1))
    volumes = pipeline.read_pair(fixed, moving, nested(progress, 0.1, 0.3))
    found = registration.register(*volumes, progress=nested(progress, 0.3, 1))
    tfm.write_tfm(args.out, found.fixed_to_moving, volumes[0].geometry.centre_mm, overwrite=args.overwrite)
    warnings = [*series_warnings(fixed, moving), *found.warnings]
    for warning in warnings:
        note(warning)
    document = {
        "fixed_to_moving": found.fixed_to_moving.tolist(),
        "metric_before": found.metric_before,
        "metric_after": found.metric_after,
        "verdict": found.verdict.value,
        "elapsed_s": found.elapsed_s,
        "warnings": warnings,
    }
    if not args.json:
        print(f"{found.verdict.value}: {found.verdict.sentence}")
        print(
            f"mutual information {_nats(found.metric_before)} -> {_nats(found.metric_after)}, {found.elapsed_s:.1f} s"
        )
        print(f"written: {args.out}")
    return document


def fuse(args: argparse.Namespace, progress: Progress) -> Any:
    from app.case import pipeline
    from app.export import formats
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
    options = formats.Options(
        formats=args.format,
        slices=slices,
        overwrite=args.overwrite,
        palette=args.palette,
        annotate=not args.plain,
        derived_mr=args.derived_mr,
    )
    formats.check(mri, partner, args.out, options)
    started = time.monotonic()
    volumes = pipeline.read_pair(mri, partner, nested(progress, 0.03, 0.15))
    slices = pick_slices(args.slices, volumes[0].geometry.size[2])  # a gap filled in may have added slices
    registration = pipeline.register_pair(*volumes, how=how, progress=nested(progress, 0.15, 0.4))
    aligned = pipeline.align(*volumes, registration, nested(progress, 0.4, 0.5))
    request = pipeline.default_request(aligned, args.network, args.device)
    stack = pipeline.fuse_pair(aligned, request, slices=slices, progress=nested(progress, 0.5, 0.7))
    means = pipeline.mean_metrics(stack, slices, nested(progress, 0.7, 0.9))
    outputs = formats.write(stack, args.out, replace(options, slices=slices), progress=nested(progress, 0.9, 1))
    warnings = [*series_warnings(mri, partner), *registration.warnings, *stack.notes]
    for warning in warnings:
        note(warning)
    document = {
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
    if not args.json:
        print(f"{registration.verdict.value}: {registration.verdict.sentence}", *outputs, sep="\n")
    return document


def metrics(args: argparse.Namespace, progress: Progress) -> Any:
    from app.metrics.image_files import metrics_of_files

    for path in (args.fused, args.a, args.b):
        require_path(path)
    values = metrics_of_files(args.fused, args.a, args.b, note=note)
    if not args.json:
        for name, value in values.items():
            print(f"{name:5} {'undefined' if value is None else format(value, '.9g')}")
    return values


def evaluate(args: argparse.Namespace, progress: Progress) -> Any:
    from app.research.evaluation import evaluate as evaluation
    from app.research.evaluation import tables

    request = evaluation.Request(**{one.name: getattr(args, one.name) for one in fields(evaluation.Request)})
    found = evaluation.run(request, progress, note)
    if not args.json:
        print(tables.as_markdown(found))
    return tables.as_document(found)


def networks(args: argparse.Namespace, progress: Progress) -> Any:
    from app.fusion import cards, registry

    refusals = {spec: registry.refusal(spec) for spec in registry.NETWORKS}
    told = {spec: registry.describe(spec) for spec in registry.NETWORKS}
    usable = [spec for spec, error in refusals.items() if error is None]
    for error in filter(None, refusals.values()):
        note(f"{error} {error.hint}")
    if not args.json:
        for spec in usable:
            print(f"{spec.name:16} {told[spec]['parameters']:>12,} parameters  {spec.title}")
        print("", *(cards.card(told[spec], refusals[spec]) for spec in refusals), sep="\n")
    refused = [
        {"name": spec.name, "error": str(error), "hint": error.hint} for spec, error in refusals.items() if error
    ]
    return {"networks": [told[spec] for spec in usable], "refused": refused}


def _path(text: str) -> Path:
    if not text:  # Path("") is the working folder: an unset variable in a script would fuse whatever lies there
        raise argparse.ArgumentTypeError("the name of a file or folder is empty")
    return Path(text)


def _formats(text: str) -> tuple[str, ...]:
    formats = tuple(part.strip() for part in text.split(","))
    known = ("nifti", "png", "tiff", "dicom")
    for one in formats:
        if one not in known:
            raise argparse.ArgumentTypeError(f"{one!r} is not one of {', '.join(known)}")
    return formats


def _nats(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f} nats"
