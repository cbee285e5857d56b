"""Train the last block of LKC-FUNet alone, on whole slices, towards fitted pictures: what a processor has time for.

    python -m app.research.last_block --start-from FILE --pairs DIR --out runs/last
    python -m app.research.last_block --pairs DIR --out runs/last --resume

The rest of the network stays as it is, so it runs once for each slice, and what it gives is kept in --out/examples with
the picture to follow (`fitted`). Whole slices, since the norms look at the whole picture: what was learnt on crops does
not quite hold there. The block's two dense kernels stay, too; beside each a small one learns, from 0, and is added to
its centre at the end (as RepLKNet does it; Ding et al. 2022, doi:10.1109/CVPR52688.2022.01166): a gradient for every
one of 15 x 15 taps is mostly noise.

--out gets config.json, curve.csv, checkpoint.pt, and at the end, or where Ctrl-C stops it, weights.safetensors, of the
running mean.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.fusion import infer, registry, weights
from app.fusion.large_kernel import LargeKernelConv2d
from app.fusion.lkc_funet import LKCFUNet
from app.progress import Progress, nested, silent
from app.research import run_folder
from app.research.config import StartFrom, start_from
from app.research.examples import PARTS, example
from app.research.fitted import WANTED, distance
from app.research.pairs import Augmentation, Pair, Unit, read_pairs, varied
from app.terminal import exit_code

CHECKPOINT_S = 180.0
CURVE_EVERY = 10  # steps


@dataclass(frozen=True)
class LastBlockRun:
    """steps : one whole slice each
    shares : how many of the training pairs of each task are seen, each in one variant
    tasks : drawn from with equal chance; one that stands there twice, twice as often
    size : side of the small kernels
    gain, differences : how steep edges of the fitted pictures shall be, as a multiple of the sources', and how much
        they shall show of what one source has and the other has not (SCD)
    """

    start_from: StartFrom
    steps: int = 250
    shares: dict[str, float] = field(default_factory=lambda: {"ct-mri": 1.0, "pet-mri": 0.15, "spect-mri": 0.15})
    tasks: tuple[str, ...] = ("ct-mri", "ct-mri", "pet-mri", "spect-mri")
    size: int = 3
    gain: float = 1.2
    differences: float = 0.3
    learning_rate: float = 1e-3
    warmup: int = 20
    ema: float = 0.995
    seed: int = 0
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(dim=0.3))

    def learning_rate_at(self, step: int) -> float:
        rate = self.learning_rate * min(1.0, (step + 1) / self.warmup)
        return rate * 0.5 * (1 + math.cos(math.pi * step / self.steps))


def from_json(text: str) -> LastBlockRun:
    """A run as config.json tells it."""
    told = json.loads(text)
    told["tasks"] = tuple(told["tasks"])
    told["start_from"] = StartFrom(**told["start_from"])
    told["augmentation"] = Augmentation(**told["augmentation"])
    return LastBlockRun(**told)


def train(
    run: LastBlockRun, pairs: Sequence[Pair], out: Path, *, resume: bool = False, progress: Progress = silent
) -> None:
    """Make the examples that are missing, follow them, and write the weights; what progress raises ends it, saved."""
    state = run_folder.read_checkpoint(out) if resume else {}
    network = _network(run)
    run_folder.prepare(out, json.dumps(asdict(run), indent=2) + "\n", {"curve.csv": state.get("step", 0)})
    examples = prepare(network, pairs, run, out / "examples", nested(progress, 0, 0.5))
    torch.manual_seed(run.seed)
    grown = [_grow(block, run.size) for block in (network.last.first, network.last.second)]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(("last.", "head.")) and ".large." not in name)
    learning = {name: one for name, one in network.named_parameters() if one.requires_grad}
    optimizer = torch.optim.Adam(learning.values())
    mean = {name: one.detach().clone() for name, one in learning.items()}
    done = 0
    if resume:
        done, mean = state["step"], state["mean"]
        optimizer.load_state_dict(state["optimizer"])
        _put(learning, state["learning"])

    def save() -> None:
        now = {name: one.detach() for name, one in learning.items()}
        config = {"config": json.dumps(asdict(run)), "step": done, "validated": done}
        run_folder.save_checkpoint(out, config | {"learning": now, "mean": mean, "optimizer": optimizer.state_dict()})

    network.train()
    saved = time.monotonic()
    try:
        while done < run.steps:
            terms = _terms(network, _example(examples, run, done))
            loss = torch.stack(list(terms.values())).sum()
            for group in optimizer.param_groups:
                group["lr"] = run.learning_rate_at(done)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
            nn.utils.clip_grad_norm_(learning.values(), 1.0)
            optimizer.step()
            decay = min(run.ema, (1 + done) / (10 + done))
            for name, one in learning.items():
                mean[name].lerp_(one.detach(), 1 - decay)
            done += 1
            if done % CURVE_EVERY == 0 or done == run.steps:
                told = {name: round(term.item(), 5) for name, term in terms.items()}
                run_folder.append(out / "curve.csv", {"step": done, "loss": round(loss.item(), 5)} | told)
            if time.monotonic() - saved > CHECKPOINT_S:
                save()
                saved = time.monotonic()
            progress(0.5 + done / run.steps / 2, f"step {done} of {run.steps}, loss {loss.item():.4f}")
    finally:
        save()
        _put(learning, mean)
        for block, place in grown:
            beside = block[place]
            assert isinstance(beside, _Beside)
            block[place] = beside.merged()
        weights.save(network, out / "weights.safetensors", weights.arguments_in(Path(run.start_from.file)))


def _network(run: LastBlockRun) -> LKCFUNet:
    path = Path(run.start_from.file)
    network = registry.build("lkcfunet", **weights.arguments_in(path))
    weights.put(network, weights.read_tensors(path, run.start_from.sha256), path)
    assert isinstance(network, LKCFUNet)
    return network


def prepare(
    network: LKCFUNet, pairs: Sequence[Pair], run: LastBlockRun, folder: Path, progress: Progress = silent
) -> dict[str, list[Path]]:
    """The examples of each task, made where they are missing.

    Each holds one slice, cut to what it shows: mri, partner, the picture to follow, and the features before the block.
    """
    folder.mkdir(exist_ok=True)
    examples: dict[str, list[Path]] = {task: [] for task in dict.fromkeys(run.tasks)}
    infer.channels_last(network)
    for number, pair in enumerate(pairs):
        draw = np.random.default_rng([run.seed, number])
        if draw.random() > run.shares[pair.task] and examples[pair.task]:  # one of each task at least
            continue
        path = folder / f"{pair.task}-{pair.name}.safetensors"
        examples[pair.task].append(path)
        if not path.exists():
            progress(number / len(pairs), f"preparing {pair.task} {pair.name}")
            made = path.with_suffix(".new")
            save_file(_made(network, *varied(pair, draw, run.augmentation), run), made)
            made.replace(path)
    return examples


def _made(network: LKCFUNet, mri: Unit, partner: Unit, run: LastBlockRun) -> dict[str, Tensor]:
    seen = example(mri, partner, partial(WANTED, gain=run.gain, differences=run.differences))
    kept = {name: torch.from_numpy(one)[None, None] for name, one in zip(PARTS, seen, strict=True)}
    with torch.inference_mode():
        features = network.eval().features(kept["mri"].float(), kept["partner"].float())
    return kept | {"features": features.bfloat16().contiguous()}


def _example(examples: dict[str, list[Path]], run: LastBlockRun, step: int) -> dict[str, Tensor]:
    draw = np.random.default_rng([run.seed, step])
    of_task = examples[run.tasks[int(draw.integers(len(run.tasks)))]]
    read = load_file(of_task[int(draw.integers(len(of_task)))])
    return {name: tensor.float() for name, tensor in read.items()}


def _terms(network: LKCFUNet, seen: dict[str, Tensor]) -> dict[str, Tensor]:
    with torch.autocast("cpu", torch.bfloat16):
        fused = network.finish(seen["features"], seen["mri"], seen["partner"])
    return distance(infer.blank_air(fused.float(), seen["mri"], seen["partner"]), seen["target"])


class _Beside(nn.Module):
    """A large convolution that stays as it is, and a small one beside it that learns from 0."""

    def __init__(self, large: LargeKernelConv2d, size: int) -> None:
        super().__init__()
        self.large = large
        self.small = nn.Conv2d(large.in_channels, large.out_channels, size, padding=size // 2, bias=False)
        nn.init.zeros_(self.small.weight)

    def forward(self, features: Tensor) -> Tensor:
        together: Tensor = self.large(features) + self.small(features)
        return together

    def merged(self) -> LargeKernelConv2d:
        rim = (self.large.kernel_size[0] - self.small.kernel_size[0]) // 2
        with torch.no_grad():
            self.large.weight[..., rim:-rim, rim:-rim] += self.small.weight
        return self.large


def _grow(block: nn.Sequential, size: int) -> tuple[nn.Sequential, int]:
    """Give the block's dense kernel a small one beside it; the block, and where they stand."""
    ((place, large),) = ((place, one) for place, one in enumerate(block) if isinstance(one, LargeKernelConv2d))
    block[place] = _Beside(large, size)
    return block, place


def _put(learning: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, one in learning.items():
            one.copy_(values[name])


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.last_block", description=__doc__)
    parser.add_argument("--start-from", type=Path, help="LKC-FUNet's weights: a file, or a run's folder")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--steps", type=int, default=LastBlockRun.steps)
    parser.add_argument("--gain", type=float, default=LastBlockRun.gain, help="of edges, in the fitted pictures")
    parser.add_argument("--differences", type=float, default=LastBlockRun.differences, help="their weight in the fit")
    args = parser.parse_args(given)
    if bool(args.start_from) == args.resume:
        parser.error("say either --start-from or --resume")

    def work(progress: Progress) -> None:
        if args.resume:
            run = from_json(run_folder.read_checkpoint(args.out)["config"])
        else:
            run_folder.refuse_another(args.out)
            run = LastBlockRun(start_from(args.start_from), args.steps, gain=args.gain, differences=args.differences)
        train(run, read_pairs(args.pairs, "train", run.tasks), args.out, resume=args.resume, progress=progress)
        print(f"weights: {args.out / 'weights.safetensors'}")

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
