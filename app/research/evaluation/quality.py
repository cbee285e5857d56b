"""What a network's manifest entry tells of it: parameters, quality on the validation pairs, time for a slice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from app.base.progress import Progress, nested, silent
from app.fusion import manifest, registry
from app.research.evaluation.efficiency import ms_per_slice
from app.research.evaluation.per_image import means_by_method
from app.research.evaluation.validation import by_network, measure_each
from app.research.pairs import MEDICAL_TASKS, Pair, read_pairs


def quality(name: str, network: nn.Module, pairs: Sequence[Pair], progress: Progress = silent) -> dict[str, Any]:
    """The part of an entry that is measured, on all of the pairs."""
    tables = means_by_method(measure_each(pairs, {name: by_network(network)}, progress=progress))
    tasks = {
        task: {key: value if key == "n" else round(value, 4) for key, value in table[name].items()}
        for task, table in tables.items()
    }
    command = f"synoptic evaluate --pairs DIR --task {','.join(tasks)} --networks {name}"
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "quality": {"command": command, "split": "val", "tasks": tasks},
        "ms_per_slice": {"cpu": round(ms_per_slice(network), 1), "threads": torch.get_num_threads()},
    }


def renew_manifest(folder: Path, pairs: Path, only: str, progress: Progress) -> None:
    """Measure again what is published in the folder, and the classical methods: those with `only` in their names.

    pairs : the folder of registered pairs; of each method the tasks that its entry tells of
    """
    specs = [spec for spec in registry.available(folder) if only in spec.name]
    entries = manifest.read_manifest(folder)
    for number, spec in enumerate(specs):
        entry = entries.get(spec.name, {})
        tasks = tuple(entry.get("quality", {}).get("tasks", MEDICAL_TASKS))
        held_out = read_pairs(pairs, "val", tasks, scalars=False)
        share = nested(progress, number / len(specs), (number + 1) / len(specs))
        measured = quality(spec.name, registry.load(spec.name, folder=folder), held_out, share)
        manifest.write_entry(folder, spec.name, entry | measured)
