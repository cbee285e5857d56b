"""Pictures to follow, made beforehand: whole training slices, each with the picture that a loss asks for (`fitted`).

    python -m app.research.examples --pairs DIR --out runs/examples
    python -m app.research.train --network lkcfunet-followed --pairs DIR --examples runs/examples --out runs/followed

A fit takes seconds and a step of training may take less, so each is made once and seen often, cut and turned anew. The
folder holds one safetensors file a slice: mri, partner and target, float16 [H, W] in [0, 1]. What is there already is
kept, so that a stopped run goes on, and two may share the work with --share 1/2 and 2/2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor

from app.errors import InputError
from app.fusion import infer
from app.progress import Progress, silent
from app.research.fitted import WANTED, fit
from app.research.losses import Loss
from app.research.pairs import MEDICAL_TASKS, Augmentation, Pair, Unit, cut_and_turned, read_pairs, thinned, varied
from app.terminal import exit_code

FAINT = 0.15  # a source darker than this throughout tells next to nothing, and a fit would blow that up
PARTS = ("mri", "partner", "target")
VARIED = Augmentation(dim=0.3)


class NoExamplesError(InputError):
    hint = "Make them with python -m app.research.examples."

    def __init__(self, folder: Path, tasks: Sequence[str]) -> None:
        super().__init__(f"{folder} holds no example of {', '.join(tasks)}.")


@dataclass(frozen=True)
class Example:
    """A slice, cut to what it shows; seen : (3, H, W) in [0, 1], mri, partner and the picture to follow."""

    task: str
    name: str
    seen: NDArray[np.float16]

    def tensors(self) -> Sequence[Tensor]:
        """The three as (1, 1, H, W) float32."""
        return torch.from_numpy(self.seen).float()[:, None, None].unbind()


def example(mri: Unit, partner: Unit, wanted: Loss = WANTED) -> NDArray[np.float16]:
    """Cut to what is shown and fitted, as `Example.seen`; the maximum is to be followed where a source is too faint."""
    sources = [torch.from_numpy(np.ascontiguousarray(one)).half().float()[None, None] for one in (mri, partner)]
    rows, columns = infer.shown(sources[0][0], sources[1][0])
    mine, theirs = (one[..., rows, columns].contiguous() for one in sources)
    faint = min(mine.max().item(), theirs.max().item()) < FAINT
    target = torch.maximum(mine, theirs) if faint else fit(mine, theirs, wanted)
    return torch.cat([mine, theirs, target])[:, 0].half().numpy()


def make(
    pairs: Sequence[Pair], folder: Path, wanted: Loss = WANTED, *, variant: int = 0, progress: Progress = silent
) -> None:
    """Write one example of each pair that the folder lacks; another variant is another draw of what is varied."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(pairs):
        path = folder / f"{pair.task}.{pair.name}.{variant}.safetensors"
        if path.exists():
            continue
        progress(number / len(pairs), f"fitting {pair.task} {pair.name}")
        draw = np.random.default_rng([variant, *pair.name.encode()])
        seen = example(*varied(pair, draw, VARIED), wanted)
        unfinished = path.with_suffix(".new")
        save_file(dict(zip(PARTS, seen, strict=True)), unfinished)
        unfinished.replace(path)


def read(folder: Path, tasks: Sequence[str]) -> list[Example]:
    """All of the tasks, sorted by name; NoExamplesError where there is none."""

    def found() -> Iterator[Example]:
        for path in sorted(folder.glob("*.safetensors")):
            task = path.name.split(".")[0]
            if task in tasks:
                told = load_file(path)
                yield Example(task, path.stem, np.stack([told[name] for name in PARTS]))

    examples = list(found())
    if not examples:
        raise NoExamplesError(folder, list(dict.fromkeys(tasks)))
    return examples


def cut(one: Example, draw: np.random.Generator, crop: int) -> tuple[Unit, ...]:
    """MRI, partner and the picture to follow, (crop, crop) each."""
    return tuple(cut_and_turned(one.seen, draw, crop).astype(np.float32))


def _share(asked: str) -> slice:
    part, parts = map(int, asked.split("/"))
    if not 1 <= part <= parts:
        raise ValueError
    return slice(part - 1, None, parts)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.examples", description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", type=int, default=1, help="examples of each pair; default: %(default)s")
    parser.add_argument("--tasks", default=",".join(MEDICAL_TASKS), help="names, with commas between")
    parser.add_argument("--per-task", type=int, default=0, help="so many pairs of each, evenly spaced; default: all")
    parser.add_argument("--share", type=_share, default="1/1", metavar="I/N", help="every N-th pair, from the I-th on")
    for name, value in WANTED.keywords.items():
        parser.add_argument(f"--{name}", type=float, default=value, help="of the fit's loss; default: %(default)s")
    args = parser.parse_args(given)
    wanted = partial(WANTED, **{name: getattr(args, name) for name in WANTED.keywords})

    def work(progress: Progress) -> None:
        pairs = thinned(read_pairs(args.pairs, "train", args.tasks.split(",")), args.per_task)[args.share]
        for variant in range(args.variants):
            make(pairs, args.out, wanted, variant=variant, progress=progress)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
