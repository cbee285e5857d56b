"""Train the end of LKC-FUNet alone, on whole slices, towards fitted pictures: what a processor has time for.

    python -m app.research.training.last_block --start-from FILE --examples runs/examples --out runs/last
    python -m app.research.training.last_block --examples runs/examples --out runs/last --resume

The rest of the network stays as it is, so it runs once for each slice, and what it gives is kept in --out/given (50 MB
a slice, twice that with twins). What learns is the last dense kernel, what goes by it, and the head. Whole slices,
since the norms look at the whole picture: what was learnt on crops does not quite hold there. The dense kernel itself
stays, too; beside it a small one learns, from 0, and is added to its centre at the end (as RepLKNet does it; Ding et
al. 2022, doi:10.1109/CVPR52688.2022.01166): a gradient for every one of 15 x 15 taps is mostly noise.

With --lost or --invented each slice has a twin with planted lesions, always the same ones, and is asked for what the
lesion test measures, too (`planted.lesion_terms`).

--out gets config.json, curve.csv, checkpoint.pt, and at the end, or where Ctrl-C stops it, weights.safetensors, of the
running mean.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.base.progress import Cancelled, Progress, nested, silent
from app.base.terminal import exit_code
from app.fusion import infer, weights
from app.fusion.large_kernel import LargeKernelConv2d
from app.fusion.networks.lkc_funet import LKCFUNet
from app.research.evaluation.fusers import built
from app.research.training import run_folder
from app.research.training.config import CT_TWICE, ConfigError, StartFrom, start_from
from app.research.training.examples import Example, digest
from app.research.training.examples import read as read_examples
from app.research.training.fitted import following_closely
from app.research.training.losses import Terms
from app.research.training.optimisation import CHECKPOINT_S, cosine, descend, follow, warmed
from app.research.training.planted import Twins, lesion_terms, twins_of

CURVE_EVERY = 10  # steps
LEARNING = ("last.second.3.", "last.residual.", "head.")  # how the names of what changes begin
AFTER_GIVEN = LEARNING[1:]  # what `_End` is given rests on all else, the large kernel too
NEEDED = ("config", "learning", "examples")  # in a checkpoint


@dataclass(frozen=True)
class LastBlockRun:
    """steps : one whole slice each
    tasks : drawn from with equal chance; one that stands there twice, twice as often
    size : side of the small kernel
    bits, edges : see `fitted.following_closely`
    lost, invented : see `planted.lesion_terms`; with both 0 there are no twins
    """

    start_from: StartFrom
    steps: int = 4000
    tasks: tuple[str, ...] = CT_TWICE
    size: int = 3
    bits: float = 0.0
    edges: float = 0.0
    lost: float = 0.0
    invented: float = 0.0
    learning_rate: float = 1e-3
    warmup: int = 50
    ema: float = 0.998
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError("steps", self.steps, "at least 1")
        if not 0 <= self.learning_rate < math.inf:
            raise ConfigError("learning_rate", self.learning_rate, "0 or more, and finite")

    @property
    def twins(self) -> bool:
        return self.lost > 0 or self.invented > 0

    def learning_rate_at(self, step: int) -> float:
        return cosine(warmed(self.learning_rate, step, self.warmup), step, self.steps)


def from_json(text: str) -> LastBlockRun:
    """A run as config.json tells it."""
    told = json.loads(text)
    told["tasks"] = tuple(told["tasks"])
    told["start_from"] = StartFrom(**told["start_from"])
    return LastBlockRun(**told)


def train(
    run: LastBlockRun, examples: Sequence[Example], out: Path, *, resume: bool = False, progress: Progress = silent
) -> None:
    """Make the features that are missing, follow the examples, write weights; where progress raises Cancelled, too."""
    state = run_folder.read_checkpoint(out, NEEDED) if resume else {}
    followed = digest(examples)
    if resume and state["examples"] != followed:
        raise run_folder.ResumedOtherwiseError(out, ["--examples"])
    constructor = weights.arguments_in(Path(run.start_from.file))
    network = _network(run)
    run_folder.prepare(out, json.dumps(asdict(run), indent=2) + "\n", {"curve.csv": state.get("step", 0)})
    end = _End(network, run.size)  # before the network goes channels-last, in which a step takes twice as long
    prepared = prepare(network, examples, out / "given", twins=run.twins, progress=nested(progress, 0, 0.5))
    torch.manual_seed(run.seed)
    learning = dict(end.named_parameters())
    optimizer = torch.optim.Adam(learning.values())
    mean = {name: one.detach().clone() for name, one in learning.items()}
    done = 0
    if resume:
        done, mean = state["step"], state["mean"]
        optimizer.load_state_dict(state["optimizer"])
        _put(learning, state["learning"])

    def save() -> None:
        now = {name: one.detach() for name, one in learning.items()}
        config = {"config": json.dumps(asdict(run)), "step": done, "examples": followed}
        run_folder.save_checkpoint(out, config | {"learning": now, "mean": mean, "optimizer": optimizer.state_dict()})

    def finish() -> None:
        save()
        _put(learning, mean)
        end.merge_into(network)
        weights.save(network, out / "weights.safetensors", constructor)

    saved = time.monotonic()
    try:
        while done < run.steps:
            terms = _terms(end, *_drawn(prepared, run, done), run)
            rate = run.learning_rate_at(done)
            loss = descend(optimizer, learning.values(), terms, done + 1, rate=rate, clip=1.0)
            follow(mean, learning, run.ema, done)
            done += 1
            if done % CURVE_EVERY == 0 or done == run.steps:
                told = {name: round(term.item(), 5) for name, term in terms.items()}
                run_folder.append(out / "curve.csv", {"step": done, "loss": round(loss, 5)} | told)
            if time.monotonic() - saved > CHECKPOINT_S:
                save()
                saved = time.monotonic()
            progress(0.5 + done / run.steps / 2, f"step {done} of {run.steps}, loss {loss:.4f}")
    except Cancelled:
        finish()
        raise
    finish()


def _network(run: LastBlockRun) -> LKCFUNet:
    path = Path(run.start_from.file)
    network = built("lkcfunet", path)
    weights.put(network, weights.read_tensors(path, run.start_from.sha256), path)
    assert isinstance(network, LKCFUNet)
    return network


def prepare(
    network: LKCFUNet,
    examples: Sequence[Example],
    folder: Path,
    *,
    twins: bool = False,
    progress: Progress = silent,
) -> dict[str, list[tuple[Example, Path]]]:
    """By task, each example and the file of what `_End` is given of it, made where it is missing.

    Its name is a hash of the weights that make it and of the slices, so that no other's is ever taken, and another run
    from the same weights can be given the folder. twins : of the slice with lesions, too.
    """
    folder.mkdir(exist_ok=True)
    made_by = hashlib.sha256()
    for of_network, tensor in sorted(network.state_dict().items()):
        if not of_network.startswith(AFTER_GIVEN):
            made_by.update(of_network.encode() + tensor.contiguous().numpy().tobytes())
    infer.channels_last(network).eval()
    by_task: dict[str, list[tuple[Example, Path]]] = {}
    for number, example in enumerate(examples):
        sources = _twins(example).sources if twins else example.tensors()[:2]
        told = made_by.copy()
        for source in sources:
            told.update(source.numpy().tobytes())
        path = folder / f"{told.hexdigest()[:32]}.safetensors"
        by_task.setdefault(example.task, []).append((example, path))
        if not path.exists():
            doing = f"preparing slice {number + 1} of {len(examples)}, {example.task}"
            report = partial(progress, number / len(examples), doing)
            report()
            with infer.Stoppable(report):
                given = _given(network, *sources)
            unfinished = path.with_suffix(".new")
            save_file(given, unfinished)
            unfinished.replace(path)
    return by_task


@torch.inference_mode()
def _given(network: LKCFUNet, mri: Tensor, partner: Tensor) -> dict[str, Tensor]:
    """What `_End` is given of slices, by its arguments' names."""
    features = network.features(mri, partner)
    *before, large = network.last.second
    hidden = nn.Sequential(*before)(network.last.first(features))
    given = {"features": features, "hidden": hidden, "large": large(hidden)}
    return {name: one.bfloat16().contiguous() for name, one in given.items()}


def _twins(example: Example) -> Twins:
    """Always the same ones: their features are made once."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(digest([example])[:8], 16))
        return twins_of(example.tensors())


def _drawn(
    prepared: dict[str, list[tuple[Example, Path]]], run: LastBlockRun, step: int
) -> tuple[Example, dict[str, Tensor]]:
    """A step's example, and what `_End` is given of it."""
    draw = np.random.default_rng([run.seed, step])
    of_task = prepared[run.tasks[int(draw.integers(len(run.tasks)))]]
    example, path = of_task[int(draw.integers(len(of_task)))]
    return example, {name: one.float() for name, one in load_file(path).items()}


def _terms(end: _End, example: Example, given: dict[str, Tensor], run: LastBlockRun) -> Terms:
    ending = partial(end, **given)
    mri, partner, target = example.tensors()
    asked: Terms = {}
    if run.twins:
        twins = _twins(example)
        fused, spotted = twins.fused_by(ending)
        asked |= lesion_terms(twins, fused, spotted, lost=run.lost, invented=run.invented)
    else:
        fused = infer.blank_air(ending(mri, partner), mri, partner)
    return following_closely(fused, mri, partner, target, bits=run.bits, edges=run.edges) | asked


class _End(nn.Module):
    """What learns, and a small kernel beside the last large one; both begin as copies of the network's."""

    def __init__(self, network: LKCFUNet, size: int) -> None:
        super().__init__()
        large = network.last.second[-1]
        assert isinstance(large, LargeKernelConv2d)
        self.small = nn.Conv2d(large.in_channels, large.out_channels, size, padding=size // 2, bias=False)
        nn.init.zeros_(self.small.weight)
        self.residual, self.head = deepcopy(network.last.residual), deepcopy(network.head)
        self.from_maximum = network.from_maximum

    def forward(self, mri: Tensor, partner: Tensor, *, features: Tensor, hidden: Tensor, large: Tensor) -> Tensor:
        """The picture (B, 1, H, W), not clipped.

        features : see `LKCFUNet.features`; hidden, large : what the last large kernel is given, and gives
        """
        fused: Tensor = self.head(large + self.small(hidden) + self.residual(features))
        return torch.maximum(mri, partner) + fused if self.from_maximum else fused

    def merge_into(self, network: LKCFUNet) -> None:
        network.last.residual, network.head = self.residual, self.head
        large = network.last.second[-1]
        assert isinstance(large, LargeKernelConv2d)
        rim = (large.kernel_size[0] - self.small.kernel_size[0]) // 2
        with torch.no_grad():
            large.weight[..., rim:-rim, rim:-rim] += self.small.weight


def _put(learning: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, one in learning.items():
            one.copy_(values[name])


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.training.last_block", description=__doc__)
    parser.add_argument("--start-from", type=Path, help="LKC-FUNet's weights: a file, or a run's folder")
    parser.add_argument("--examples", type=Path, required=True, help="slices with the picture to follow (`examples`)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--steps", type=int, help=f"default: {LastBlockRun.steps}")
    parser.add_argument("--learning-rate", type=float, help=f"default: {LastBlockRun.learning_rate}")
    parser.add_argument("--bits", type=float, help="weight of grey values that tell the sources'; default: 0")
    parser.add_argument("--edges", type=float, help="weight of edges that Qabf does not find again; default: 0")
    parser.add_argument("--lost", type=float, help="weight of planted lesions that do not show; default: 0")
    parser.add_argument("--invented", type=float, help="weight of spots that no source has; default: 0")
    args = parser.parse_args(given)
    if bool(args.start_from) == args.resume:
        parser.error("say either --start-from or --resume")

    def work(progress: Progress) -> None:
        names = ("steps", "learning_rate", "bits", "edges", "lost", "invented")
        asked = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
        if args.resume:
            run = run_folder.begun(args.out, NEEDED, from_json)
            if differing := [name for name, value in asked.items() if getattr(run, name) != value]:
                raise run_folder.ResumedOtherwiseError(args.out, [f"--{one.replace('_', '-')}" for one in differing])
        else:
            run_folder.refuse_another(args.out)
            run = LastBlockRun(start_from(args.start_from), **asked)
        train(run, read_examples(args.examples, run.tasks), args.out, resume=args.resume, progress=progress)
        print(f"weights: {args.out / 'weights.safetensors'}")

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
