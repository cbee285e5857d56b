"""`synoptic networks`: which fusion networks can run now, and the card of each."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Progress
from app.base.terminal import note
from app.cli.command import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.fusion import cards, registry

    refusals = {spec: registry.refusal(spec) for spec in registry.networks()}
    facts = {spec: registry.describe(spec) for spec in refusals}
    usable = [spec for spec, error in refusals.items() if error is None]
    errors = [(spec.name, error) for spec, error in refusals.items() if error]
    errors += [(error.network, error) for error in registry.clashes()]
    for _, error in errors:
        note(f"{error} {error.hint}")
    if not args.json:
        for spec in usable:
            origin = f", from {spec.package}" if spec.package else ""
            print(f"{spec.name:16} {facts[spec]['parameters']:>12,} parameters  {spec.title}{origin}")
        print("", *(cards.card(facts[spec], refusals[spec]) for spec in refusals), sep="\n")
    refused = [{"name": name, "error": str(error), "hint": error.hint} for name, error in errors]
    return {"networks": [facts[spec] for spec in usable], "refused": refused}


COMMAND = Command("networks", "List the fusion networks that can run now, and show the card of each.", arguments, run)
