"""Pictures to follow, made beforehand: whole training slices, each with the picture that a loss asks for (`fitted`).

    python -m app.research.training.examples --pairs DIR --out runs/examples
    python -m app.research.training.train --network lkcfunet-followed --start-from FILE --pairs DIR
        --examples runs/examples --out runs/followed

A fit takes seconds and a step of training may take less, so each is made once and seen often, cut and turned anew. The
folder holds one safetensors file a slice: mri, partner and target, float16 [H, W] in [0, 1], and in its metadata what
the fit was asked for. What is there already is kept, so that a stopped run goes on, and two may share the work with
--share 1/2 and 2/2.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from app.base.errors import InputError, UsageError
from app.base.progress import Progress, nested, silent
from app.base.terminal import exit_code, whole_number
from app.fusion import infer
from app.research.pairs import MEDICAL_TASKS, Augmentation, Pair, Unit, cut_and_turned, read_pairs, thinned, varied
from app.research.training import run_folder
from app.research.training.fitted import STEPS, WANTED, fit
from app.research.training.losses import Loss

PARTS = ("mri", "partner", "target")
FAINT = 0.15  # a source darker than this throughout tells next to nothing, and a fit would blow that up
VARIED = Augmentation(dim=0.3)


class NoExamplesError(InputError):
    hint = "Make them with python -m app.research.training.examples."

    def __init__(self, folder: Path, tasks: Sequence[str]) -> None:
        super().__init__(f"{folder} holds no example of {', '.join(tasks)}.")


class ExampleFileError(InputError):
    hint = "Remove the file, and make it again with python -m app.research.training.examples."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is damaged or no example.")


class OtherExamplesError(UsageError):
    hint = "Choose another folder with --out, or ask for the same."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was fitted to something else.")


@dataclass(frozen=True)
class Example:
    """A slice, cut to what it shows; seen : (3, H, W) in [0, 1], mri, partner and the picture to follow."""

    task: str
    seen: NDArray[np.float16]

    def tensors(self) -> Sequence[Tensor]:
        """The three as (1, 1, H, W) float32."""
        return torch.from_numpy(self.seen).float()[:, None, None].unbind()


def example(mri: Unit, partner: Unit, wanted: Loss = WANTED, steps: int = STEPS) -> NDArray[np.float16]:
    """Cut to what is shown and fitted, as `Example.seen`; the maximum is to be followed where a source is too faint."""
    sources = [torch.from_numpy(np.ascontiguousarray(one)).half().float()[None, None] for one in (mri, partner)]
    rows, columns = infer.shown(sources[0][0], sources[1][0])
    mine, theirs = (one[..., rows, columns].contiguous() for one in sources)
    faint = min(mine.max().item(), theirs.max().item()) < FAINT
    target = torch.maximum(mine, theirs) if faint else fit(mine, theirs, wanted, steps)
    return torch.cat([mine, theirs, target])[:, 0].half().numpy()


def make(
    pairs: Sequence[Pair],
    folder: Path,
    wanted: partial[dict[str, Tensor]] = WANTED,
    *,
    steps: int = STEPS,
    variant: int = 0,
    progress: Progress = silent,
) -> None:
    """Write one example of each pair that the folder lacks; another variant is another draw of what is varied.

    OtherExamplesError where one that is there was fitted to another loss, or in more or fewer steps.
    """
    run_folder.make(folder)
    asked = {"wanted": json.dumps(wanted.keywords, sort_keys=True), "steps": str(steps)}
    for number, pair in enumerate(pairs):
        path = folder / f"{pair.task}.{pair.name}.{variant}.safetensors"
        if path.exists():
            if _metadata(path) != asked:
                raise OtherExamplesError(path)
            continue
        progress(number / len(pairs), f"fitting {pair.task} {pair.name}")
        draw = np.random.default_rng([variant, *pair.name.encode()])
        seen = example(*varied(pair, draw, VARIED), wanted, steps)
        unfinished = path.with_suffix(".new")
        save_file(dict(zip(PARTS, seen, strict=True)), unfinished, asked)
        unfinished.replace(path)


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, "np") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise ExampleFileError(path) from error


def read(folder: Path, tasks: Sequence[str]) -> list[Example]:
    """All of the tasks, sorted by name; NoExamplesError where one has none."""
    examples = list(_found(folder, tasks))
    if missing := [task for task in dict.fromkeys(tasks) if all(task != one.task for one in examples)]:
        raise NoExamplesError(folder, missing)
    return examples


def _found(folder: Path, tasks: Sequence[str]) -> Iterator[Example]:
    for path in sorted(folder.glob("*.safetensors")):
        task = path.name.split(".")[0]
        if task in tasks:
            try:
                with safe_open(path, "np") as file:
                    yield Example(task, np.stack([file.get_tensor(name) for name in PARTS]))
            except SafetensorError as error:
                raise ExampleFileError(path) from error


def digest(examples: Sequence[Example]) -> str:
    """SHA-256 of all of them, in order: what a run that goes on must be given again."""
    told = hashlib.sha256()
    for one in examples:
        told.update(one.task.encode() + np.ascontiguousarray(one.seen).tobytes())
    return told.hexdigest()


def cut(one: Example, draw: np.random.Generator, crop: int) -> tuple[Unit, ...]:
    """MRI, partner and the picture to follow, (crop, crop) each."""
    return tuple(cut_and_turned(one.seen, draw, crop).astype(np.float32))


def _share(asked: str) -> slice:
    part, parts = (int(one) for one in asked.split("/"))
    if not 1 <= part <= parts:
        raise argparse.ArgumentTypeError(f"{asked} is no share: say I/N with I from 1 to N")
    return slice(part - 1, None, parts)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.training.examples", description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", type=int, default=1, help="examples of each pair; default: %(default)s")
    parser.add_argument("--tasks", default=",".join(MEDICAL_TASKS), help="names, with commas between")
    parser.add_argument(
        "--per-task", type=whole_number, default=0, help="so many pairs of each, evenly spaced; default: all"
    )
    parser.add_argument("--share", type=_share, default="1/1", metavar="I/N", help="every N-th pair, from the I-th on")
    parser.add_argument("--steps", type=int, default=STEPS, help="of a fit; default: %(default)s")
    for name, value in WANTED.keywords.items():
        parser.add_argument(f"--{name}", type=float, default=value, help="of the fit's loss; default: %(default)s")
    args = parser.parse_args(given)
    if args.variants < 1:
        parser.error("--variants must be at least 1")
    if args.steps < 1:
        parser.error("--steps must be at least 1")
    wanted = partial(WANTED, **{name: getattr(args, name) for name in WANTED.keywords})

    def work(progress: Progress) -> None:
        pairs = thinned(read_pairs(args.pairs, "train", args.tasks.split(",")), args.per_task)[args.share]
        for variant in range(args.variants):
            part = nested(progress, variant / args.variants, (variant + 1) / args.variants)
            make(pairs, args.out, wanted, steps=args.steps, variant=variant, progress=part)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
