"""The card of a network as Markdown: what a reader must know before trusting its pictures. Imports no torch."""

from __future__ import annotations

import math
from typing import Any

from app.base.errors import FusionError
from app.base.progress import spoken
from app.core.modalities import modality_of
from app.fusion.spec import Concerns, NetworkSpec, TrainedOn, are_of_patients


def card(network: dict[str, Any], refused: FusionError | None = None, times: str = "") -> str:
    """One network's card; `network` as `registry.describe` gives it.

    refused : why it cannot run here, as `registry.refusal` says
    times : what was measured on this computer, a sentence; else the publisher's figure stands alone
    """
    text = (network["card"] or "").strip()
    heading, _, body = text.partition("\n") if text.startswith("# ") else (f"# {network['title']}", "", text)
    facts = {
        "Cannot run here": refused and f"{refused} {refused.hint}",
        "Name": f"`{network['name']}`",
        "Comes with": network["package"],
        "Parameters": "none: a classical method, not trained"
        if network["classical"]
        else network["parameters"] and f"{network['parameters']:,}",
        "Weights": network["weights"] and _files(network),
        "Time": " ".join([times, published(network["ms_per_slice"])]).strip(),
        "Lesions": lesions(network["lesions"]),
        "Trained on": network["training_data"],
        "Licence": network["licence"],
    }
    rows = [f"- **{name}:** {fact}" for name, fact in facts.items() if fact]
    parts = ["\n".join([heading, "", *rows]), body.strip(), quality_table(network["quality"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _files(network: dict[str, Any]) -> str:
    own = f"`{network['weights']}`, SHA-256 `{network['sha256']}`"
    over = network["over"]
    return f"{own}, over `{over['file']}`, SHA-256 `{over['sha256']}`" if over else own


def published(ms_per_slice: dict[str, Any] | None) -> str:
    """The publisher's time for a slice, with where it was measured; "" where the manifest has none."""
    if not ms_per_slice:
        return ""
    threads = f" with {ms_per_slice['threads']} threads" if "threads" in ms_per_slice else ""
    where = {"cpu": f"a CPU{threads}", "cuda": "a GPU"}
    times = [f"{spoken(ms_per_slice[kind] / 1000)} on {name}" for kind, name in where.items() if kind in ms_per_slice]
    return f"{' and '.join(times)} for a slice of 256 × 256, as its publisher measured." if times else ""


def lesions(counted: dict[str, Any] | None) -> str:
    """ "shows 98 % of planted lesions, invents 0 of 2,499 (...)"; "" where nobody has counted."""
    if not counted:
        return ""
    share = f"{100 * counted['shown'] / counted['planted']:.3g} %"
    invented = f"{counted['invented']:,} of {counted['deleted']:,}"
    return f"{share} of {counted['planted']:,} planted ones shown, {invented} invented (`{counted['command']}`)."


def quality_table(quality: dict[str, Any] | None) -> str:
    """The metrics' means per task as a Markdown table; "" where none were measured."""
    if not quality:
        return ""
    names = [name for name in next(iter(quality["tasks"].values())) if name != "n"]
    head = [f"| {quality['split']} | n | {' | '.join(names)} |", f"|---|{'---|' * (len(names) + 1)}"]
    rows = [
        f"| {task} | {means['n']} | {' | '.join(f'{means[name]:.3f}' for name in names)} |"
        for task, means in quality["tasks"].items()
    ]
    return "\n".join([f"**Measured** by `{quality['command']}`, means:", "", *head, *rows])


def seen(trained_on: TrainedOn) -> str:
    """What a network was trained on: "heads in MRI, CT, PET and SPECT", "visible and infrared pictures"."""
    parts = [{"HEAD": "heads"}.get(part, part.lower()) for part in sorted(trained_on.body_parts)]
    pictures = _pictures(trained_on.modalities)
    return f"{_listed(parts)} in {pictures}" if parts else pictures


def planes(spec: NetworkSpec) -> str:
    """Those of the slices that a network was trained on: "axial", "axial and coronal"; "" where any will do."""
    return _listed(sorted(spec.trained_on.planes)) if spec.trained_on else ""


def unseen(spec: NetworkSpec, strange: Concerns) -> str:
    """What a network was never trained on, but for the plane: "patients", "PET", "ABDOMEN"; "" where there is none."""
    if spec.trained_on and not spec.trained_on.of_patients and are_of_patients(strange.modalities):
        return "patients"
    return _pictures(strange.modalities) if strange.modalities else strange.body_part


def never_shown(spec: NetworkSpec, strange: Concerns) -> str:
    """One sentence on pictures that a network never saw the like of; "" where it did."""
    given = unseen(spec, strange)
    if not given or spec.trained_on is None:
        return ""
    return f"{spec.title} was trained on {seen(spec.trained_on)}, never on {given}: choose another network."


def _pictures(modalities: frozenset[str]) -> str:
    """Of patients by the names of their modalities, and of the world by what it is seen in."""
    kinds = sorted(
        map(modality_of, modalities), key=lambda kind: (_last(kind.base_rank), _last(kind.partner_rank), kind.code)
    )
    medical = [kind.name for kind in kinds if kind.medical]
    plain = [kind.name for kind in kinds if not kind.medical]
    return _listed([*filter(None, [_listed(medical), f"{_listed(plain)} pictures" if plain else ""])])


def _last(rank: int | None) -> float:
    return math.inf if rank is None else rank


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
