"""What a training made, measured and vouched for in a manifest; and published, where nothing better is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.base.errors import UsageError
from app.base.progress import Progress
from app.fusion import manifest, weights
from app.research.evaluation.fusers import from_file
from app.research.evaluation.quality import quality
from app.research.evaluation.tables import RANKED
from app.research.pairs import Pair
from app.research.training.recipes import Recipe

# What the medical networks, and those for infrared-visible pairs, are trained on, and whose licence that has.
AANLIB = "AANLIB (Harvard Whole Brain Atlas) CT-MRI, PET-MRI and SPECT-MRI", "AANLIB"
ROADSCENE = "RoadScene infrared-visible", "RoadScene"


class BetterPublishedError(UsageError):
    hint = "Say --overwrite to publish these in their place."

    def __init__(self, name: str, ratio: float) -> None:
        super().__init__(f"The published weights of {name} are better: over the ranked measures these have {ratio:.3f}"
                         " of theirs.")  # fmt: skip


def measure(recipe: Recipe, made: Path, held_out: Sequence[Pair], progress: Progress) -> None:
    """Write the manifest beside the weights that were made: what they are, and what they measure."""
    pictures, source = ROADSCENE if "ir-vis" in recipe.stages[-1].tasks else AANLIB
    entry = {
        "training_data": f"{pictures} pairs, train split",
        "licence": f"research use only, as its training data ({source})",
        "card": f"{recipe.network}.md",
        "file": made.name,
        "sha256": weights.sha256_of(made),
        "arguments": recipe.arguments,
    }
    measured = quality(recipe.network, from_file(recipe.network, made), held_out, progress)
    manifest.write_entry(made.parent, recipe.network, entry | measured)


def publish(recipe: Recipe, made: Path, beside: Path, folder: Path, *, overwrite: bool = False) -> Path:
    """Copy weights and their entry into a folder of published ones; the file there.

    Of a recipe with a base, which must lie there, only what differs from it is written. BetterPublishedError where what
    is published measures better on the same tasks, unless `overwrite`.
    """
    name = recipe.network
    entry = manifest.read_manifest(made.parent)[name]
    published = manifest.read_manifest(folder).get(name)
    if published and not overwrite and (ratio := _ratio(entry, published)) < 1:
        raise BetterPublishedError(name, ratio)
    if recipe.base:
        base = folder / recipe.base.file
        target = folder / f"{name}-tuned.safetensors"
        entry |= {"file": target.name, "sha256": weights.save_over(made, base, target)}
        entry["over"] = {"file": base.name, "sha256": recipe.base.sha256}
    else:
        target = folder / f"{name}.safetensors"
        shutil.copyfile(made, target)
        entry["file"] = target.name
    manifest.write_entry(folder, name, entry)
    return target


def _ratio(entry: Mapping[str, Any], published: Mapping[str, Any]) -> float:
    """The mean over tasks and RANKED of one entry's measures over another's."""
    ours, theirs = (part["quality"]["tasks"] for part in (entry, published))
    ratios = [ours[task][name] / theirs[task][name] for task in ours if task in theirs for name in RANKED]
    return sum(ratios) / len(ratios) if ratios else 1.0
