"""Train a network on folders of registered pairs: one visible loop.

    python -m app.research.train --network lightfusionnet --pairs DIR --out runs/lightfusionnet [--resume]

Into --out go config.json (the run can be rebuilt from it), curve.csv (the loss and its terms), validation.csv (the
metrics that decide), checkpoint.pt (everything that --resume needs) and weights.safetensors (the running mean of the
weights at the best validation so far; `validation --publish` takes it from there). Ctrl-C saves and stops.
"""

from __future__ import annotations

import argparse
import csv
import math
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from app.errors import AppError, InputError
from app.fusion import infer, registry, weights
from app.progress import Cancelled, Progress, silent
from app.research import validation
from app.research.config import TrainConfig, config, read_config
from app.research.losses import LOSSES
from app.research.pairs import Pair, batch_at, read_pairs

LOG_EVERY = 50
CHECKPOINT_EVERY = 500


class NoCheckpointError(InputError):
    hint = "Leave --resume away to begin, or name the folder of a run that was begun."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no checkpoint.pt to go on from.")


class RunExistsError(InputError):
    hint = "Say --resume to go on with it, or choose another folder."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds a training run already.")


def train(
    run: TrainConfig,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    out: Path,
    *,
    device: str = "cpu",
    resume: bool = False,
    progress: Progress = silent,
) -> float:
    """Train until `run.steps`; the best validation score.

    Ends where progress raises Cancelled too, after saving; --resume then goes on to the numbers of an unbroken run.
    """
    torch.manual_seed(run.seed)
    network = infer.channels_last(registry.build(run.network, **run.arguments)).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=run.learning_rate)
    mean = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    loss_terms = LOSSES[run.loss]
    first, best = 0, -math.inf
    if resume:
        first, best = _resume(out, network, optimizer, mean, device)
    else:
        _begin(out, run)

    step = first
    try:
        for step in range(first, run.steps):
            network.train()
            if step >= run.freeze_norm * run.steps:
                _freeze_norm(network)
            for group in optimizer.param_groups:
                group["lr"] = run.learning_rate_at(step)
            mri, partner = (
                one.to(device, memory_format=torch.channels_last)
                for one in batch_at(
                    pairs, step, seed=run.seed, batch=run.batch, crop=run.crop, augmentation=run.augmentation
                )
            )
            with torch.autocast(device, torch.bfloat16, enabled=run.bf16):
                fused = network(mri, partner)
            terms = loss_terms(infer.blank_air(fused.float(), mri, partner), mri, partner)
            loss = torch.stack(list(terms.values())).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
            nn.utils.clip_grad_norm_(network.parameters(), run.clip)
            optimizer.step()
            _follow(mean, network, min(run.ema, (1 + step) / (10 + step)))

            done = step + 1
            if done % LOG_EVERY == 0 or done == run.steps:
                told = {name: round(term.item(), 5) for name, term in terms.items()}
                _append(out / "curve.csv", {"step": done, "loss": round(loss.item(), 5)} | told)
            if done % run.validate_every == 0 or done == run.steps:
                best = _validate(run, mean, held_out, out, done, best)
            if done % CHECKPOINT_EVERY == 0 or done == run.steps:
                _checkpoint(out, done, best, network, optimizer, mean)
            progress(done / run.steps, f"step {done} of {run.steps}, loss {loss.item():.4f}")
    except Cancelled:
        _checkpoint(out, step + 1, best, network, optimizer, mean)
        raise
    return best


def _freeze_norm(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


@torch.no_grad()
def _follow(mean: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            mean[name].lerp_(tensor, 1 - decay)
        else:  # batch norm's count of batches
            mean[name].copy_(tensor)


def _validate(
    run: TrainConfig, mean: Mapping[str, Tensor], held_out: Sequence[Pair], out: Path, step: int, best: float
) -> float:
    """Measure the mean weights, keep them where they are the best so far; the best score."""
    network = registry.build(run.network, **run.arguments).eval()
    network.load_state_dict({name: tensor.cpu() for name, tensor in mean.items()})
    tables = validation.measure(
        held_out, {"now": validation.by_network(network), "maximum": validation.by_network(registry.load("maximum"))}
    )
    score = validation.score({task: table["now"] for task, table in tables.items()}, tables)
    for task, table in tables.items():
        told = {name: round(value, 4) for name, value in table["now"].items()}
        _append(out / "validation.csv", {"step": step, "score": round(score, 5), "task": task} | told)
    if score > best:
        weights.save(network, out / "weights.safetensors", run.arguments)
    return max(score, best)


def _begin(out: Path, run: TrainConfig) -> None:
    if (out / "config.json").exists():
        raise RunExistsError(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(run.as_json(), "utf-8")


def _checkpoint(
    out: Path, step: int, best: float, network: nn.Module, optimizer: torch.optim.Optimizer, mean: dict[str, Tensor]
) -> None:
    state: dict[str, Any] = {
        "step": step,
        "best": best,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "mean": mean,
        "random": torch.get_rng_state(),  # for dropout and its like; batches depend on seed and step alone
    }
    torch.save(state, out / "checkpoint.new")
    (out / "checkpoint.new").replace(out / "checkpoint.pt")  # a full disk leaves the last good one


def _resume(
    out: Path, network: nn.Module, optimizer: torch.optim.Optimizer, mean: dict[str, Tensor], device: str
) -> tuple[int, float]:
    if not (out / "checkpoint.pt").is_file():
        raise NoCheckpointError(out)
    state = torch.load(out / "checkpoint.pt", map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    mean.update({name: tensor.to(device) for name, tensor in state["mean"].items()})
    torch.set_rng_state(state["random"])
    return int(state["step"]), float(state["best"])


def _append(path: Path, row: Mapping[str, Any]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.train", description=__doc__)
    parser.add_argument("--network", required=True, help="the run's name, such as lightfusionnet")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, as its config.json says")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--loss", choices=sorted(LOSSES))
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=int, help="CPU threads; torch's own choice without it")
    args = parser.parse_args(given)
    if args.threads:
        infer.set_num_threads(args.threads)
    stopped: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: stopped.append(number))
    started = last = time.monotonic()

    def progress(fraction: float, message: str = "") -> None:
        nonlocal last
        if stopped:
            raise Cancelled
        if time.monotonic() - last > 10:
            last = time.monotonic()
            print(f"{fraction:4.0%} {message}, {last - started:.0f} s", file=sys.stderr, flush=True)

    try:
        changes = {key: value for key in ("steps", "seed", "loss") if (value := getattr(args, key)) is not None}
        resumable = args.resume and (args.out / "config.json").is_file()
        run = read_config(args.out / "config.json") if resumable else config(args.network, **changes)
        pairs, held_out = (read_pairs(args.pairs, split, run.tasks) for split in ("train", "val"))
        device = infer.pick_device(args.device)
        best = train(run, pairs, held_out, args.out, device=device, resume=args.resume, progress=progress)
        print(f"best validation score {best:.4f}; weights: {args.out / 'weights.safetensors'}")
    except Cancelled:
        print(f"Stopped; the run is saved. Go on with --resume --out {args.out}", file=sys.stderr)
        return 130
    except AppError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 2
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
