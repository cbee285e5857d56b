"""Train a network by its recipe (`recipes`), from beginning to end, on folders of registered pairs.

    python -m app.research train NAME [--pairs DIR] [--out DIR] [--device auto|cpu|cuda] [--loss ours|published]
        [--resume] [--publish [--overwrite]]

NAME is a network's, whose recipe lies beside its card, or a recipe's file. Into the output folder (runs/NAME) go
recipe.json (what was run), curve.csv (the loss and its terms), validation.csv (looks at a few validation pairs on the
way, where the recipe asks for them), checkpoint.pt (all that --resume needs), and at the end NAME.safetensors (the
running mean of the weights, in half precision) and manifest.json, with what they measured on all validation pairs.
--publish copies both into model_weights. Ctrl-C and SIGTERM save and stop.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from app.base.assets import model_weights
from app.base.errors import UsageError
from app.base.progress import Progress, nested, silent
from app.base.settings import DEVICES
from app.base.terminal import note
from app.fusion import infer, registry, weights
from app.fusion.large_kernel import computes_bfloat16
from app.research.evaluation.options import path_argument
from app.research.pairs import Pair, digest, read_pairs
from app.research.training import loop, publish, recipes
from app.research.training.recipes import Base, Recipe, RecipeError
from app.research.training.run_folder import CHECKPOINT, OTHER, CheckpointError, ResumedOtherwiseError, RunFolder

MEASURED_FROM = 0.9  # of the progress


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
    """What the output folder's training goes on from; NoCheckpointError, CheckpointError, and ResumedOtherwiseError
    where it was begun with another recipe or other pairs.
    """
    folder = RunFolder(request.out)
    state = folder.read_checkpoint()
    try:
        begun = recipes.from_json(state["recipe"])
    except msgspec.MsgspecError as error:
        raise CheckpointError(request.out / CHECKPOINT, OTHER) from error
    differing = ["the recipe"] * (begun != request.recipe) + ["--pairs"] * (state["pairs"] != request.digest)
    if differing:
        raise ResumedOtherwiseError(request.out, differing)
    return state


def _save(folder: RunFolder, request: Request, run: loop.StageRun) -> None:
    state = {"recipe": request.recipe.as_json(), "pairs": request.digest, "stage": folder.stage, "run": run.state()}
    folder.save_checkpoint(state)


class NoPairsError(UsageError):
    hint = "Say --pairs DIR, or set SYNOPTIC_DATA to the folder that holds pairs/."

    def __init__(self) -> None:
        super().__init__("It is not said where the registered pairs lie.")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a network, or a recipe's file")
    parser.add_argument("--pairs", type=path_argument, metavar="DIR", help="default: $SYNOPTIC_DATA/pairs")
    parser.add_argument("--out", type=path_argument, metavar="DIR", help="default: runs/NAME")
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--threads", type=_count, metavar="N", help="CPU threads; torch's own choice without it")
    parser.add_argument("--loss", default="ours", choices=("ours", "published"), help="published: as the paper has it")
    parser.add_argument("--resume", action="store_true", help="go on with the training in --out")
    parser.add_argument("--publish", action="store_true", help="copy what it comes to into model_weights")
    parser.add_argument("--overwrite", action="store_true", help="publish in place of better weights, too")


def run(args: argparse.Namespace, progress: Progress) -> None:
    file = Path(args.name) if args.name.endswith(".toml") else model_weights() / f"{args.name}.toml"
    if args.threads:
        infer.set_num_threads(args.threads)
    if args.pairs is None and "SYNOPTIC_DATA" not in os.environ:
        raise NoPairsError
    pairs = args.pairs or Path(os.environ["SYNOPTIC_DATA"]) / "pairs"
    if not args.name.endswith(".toml"):
        registry.listed(args.name)
    recipe = recipes.read(file, args.loss)
    device = infer.pick_device(args.device)
    if device == "cpu" and any(stage.bf16 for stage in recipe.stages) and not computes_bfloat16():
        note("This processor does not compute in bfloat16, which the recipe asks for: steps take many times longer.")
    tasks = list(dict.fromkeys(task for stage in recipe.stages for task in stage.tasks))
    request = Request(
        recipe=recipe,
        beside=file.parent,
        pairs=read_pairs(pairs, "train", tasks),
        held_out=read_pairs(pairs, "val", tasks, scalars=False),
        out=args.out or Path("runs") / file.stem,
        device=device,
    )
    made = train(request, resume=args.resume, progress=nested(progress, 0, MEASURED_FROM))
    publish.measure(recipe, made, request.held_out, nested(progress, MEASURED_FROM, 1))
    print(made)
    if args.publish:
        print(publish.publish(recipe, made, file.parent, model_weights(), overwrite=args.overwrite))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
