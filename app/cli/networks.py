"""`synoptic networks`: which fusion networks can run now, as a table, or the card of one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from app.base.progress import Progress
from app.base.terminal import note
from app.cli.command import Command

if TYPE_CHECKING:
    from app.base.errors import FusionError
    from app.fusion.spec import NetworkSpec


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the network whose card is shown; without, a table")


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.fusion import cards, registry

    specs = (registry.listed(args.name),) if args.name else registry.networks()
    refusals = {spec: registry.refusal(spec) for spec in specs}
    facts = {spec: registry.describe(spec) for spec in refusals}
    usable = [spec for spec, error in refusals.items() if error is None]
    errors = [(spec.name, error) for spec, error in refusals.items() if error]
    errors += [(error.network, error) for error in registry.clashes() if not args.name or error.network == args.name]
    for _, error in errors:
        note(f"{error} {error.hint}")
    if not args.json:
        if args.name:
            print(*(cards.card(facts[spec], refusals[spec]) for spec in specs), sep="\n")
        else:
            print(*(_row(spec, facts[spec], refusals[spec]) for spec in specs), sep="\n")
            print("\n`synoptic networks NAME` prints the card of one.")
    refused = [{"name": name, "error": str(error), "hint": error.hint} for name, error in errors]
    return {"networks": [facts[spec] for spec in usable], "refused": refused}


def _row(spec: NetworkSpec, facts: dict[str, Any], refused: FusionError | None) -> str:
    """Name, parameters, the publisher's time for a slice, title."""
    origin = f", from {spec.package}" if spec.package else ""
    ms = (facts["ms_per_slice"] or {}).get("cpu")
    time = "cannot run" if refused else f"{ms:,.1f} ms" if ms else ""
    return f"{spec.name:18} {facts['parameters']:>12,} parameters  {time:>11}  {spec.title}{origin}"


COMMAND = Command("networks", "List the fusion networks that can run now, or show the card of one.", arguments, run)
