"""A recipe from beginning to end: its stages, the weights they come to, and what these measure.

Into the output folder go recipe.json (what was run), curve.csv (the loss and its terms), validation.csv (looks at a few
validation pairs on the way, where the recipe asks for them), checkpoint.pt (all that going on needs), and at the end
NAME.safetensors (the running mean of the weights, in half precision) and manifest.json with what they measured on all
validation pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from app.base.progress import Progress, nested, silent
from app.fusion import registry, weights
from app.research.pairs import Pair, digest
from app.research.training import loop
from app.research.training.recipes import Base, Recipe, RecipeError, from_json
from app.research.training.run_folder import CHECKPOINT, OTHER, CheckpointError, ResumedOtherwiseError, RunFolder


@dataclass(frozen=True)
class Request:
    """What one training is given.

    beside : the folder of the recipe, where its base lies; pairs, held_out : of the train and val split
    """

    recipe: Recipe
    beside: Path
    pairs: Sequence[Pair]
    held_out: Sequence[Pair]
    out: Path
    device: str = "cpu"

    @cached_property
    def digest(self) -> str:
        """What a training that goes on must be given again."""
        return digest([*self.pairs, *self.held_out])


def train(request: Request, *, resume: bool = False, progress: Progress = silent) -> Path:
    """Run the recipe's stages, or what `resume` finds left of them; the weights file.

    Ends where progress raises Cancelled, too, after saving. Raises RecipeError, RunExistsError; where it is to go on,
    what `checkpoint` raises.
    """
    recipe, folder = request.recipe, RunFolder(request.out)
    state = checkpoint(request) if resume else None
    torch.manual_seed(recipe.stages[0].seed)
    network = built(recipe)
    if state is None:
        if recipe.base:
            begin_with(recipe.base, request.beside, network)
        folder.make()
        (request.out / "recipe.json").write_text(recipe.as_json(), "utf-8")
    else:
        folder.stage = state["stage"]
        folder.forget_after(state["run"]["done"])
    for number, stage in list(enumerate(recipe.stages, 1))[folder.stage - 1 :]:
        folder.stage = number
        run = loop.StageRun(stage, network, recipe.network, request.device)
        if state:
            run.restore(state["run"])
            state = None
        share = nested(progress, (number - 1) / len(recipe.stages), number / len(recipe.stages))
        save = partial(_save, folder, request, run)
        loop.train(run, request.pairs, request.held_out, folder, save, progress=share)
        network = run.mean.module
    target = request.out / f"{recipe.network}.safetensors"
    network.cpu().eval()
    weights.tame_batch_norms(network)
    weights.save(network, target, recipe.arguments, half=True)
    return target


def built(recipe: Recipe) -> nn.Module:
    """The recipe's network as its constructor leaves it; RecipeError where it cannot be made so."""
    try:
        return registry.build(recipe.network, **recipe.arguments)
    except (TypeError, KeyError, ValueError) as error:
        raise RecipeError(f"of {recipe.network}", f"it is not made with {recipe.arguments} ({error})") from error


def begin_with(base: Base, folder: Path, network: nn.Module) -> None:
    """Put the base's weights in; WeightsUnreadableError, WeightsAlteredError or WeightsMismatchError."""
    path = folder / base.file
    weights.put(network, weights.read_tensors(path, base.sha256), path)


def checkpoint(request: Request) -> dict[str, Any]:
    """What the output folder's training goes on from; NoCheckpointError, CheckpointError, and ResumedOtherwiseError where
    it was begun with another recipe or other pairs.
    """
    folder = RunFolder(request.out)
    state = folder.read_checkpoint()
    try:
        begun = from_json(state["recipe"])
    except msgspec.MsgspecError as error:
        raise CheckpointError(request.out / CHECKPOINT, OTHER) from error
    differing = ["the recipe"] * (begun != request.recipe) + ["--pairs"] * (state["pairs"] != request.digest)
    if differing:
        raise ResumedOtherwiseError(request.out, differing)
    return state


def _save(folder: RunFolder, request: Request, run: loop.StageRun) -> None:
    state = {"recipe": request.recipe.as_json(), "pairs": request.digest, "stage": folder.stage, "run": run.state()}
    folder.save_checkpoint(state)
