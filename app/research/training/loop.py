"""The training loop: batches, steps, the running mean of the weights, validation, checkpoints. `train` runs it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from app.base.errors import UsageError
from app.base.progress import Cancelled, Progress, silent
from app.fusion import infer, registry, weights
from app.research.evaluation import validation
from app.research.pairs import Pair, Picture, Unit, batch_at, digest, thinned, varied
from app.research.training import examples, run_folder
from app.research.training import processes as ranks
from app.research.training.config import ConfigError, NoStartError, TrainConfig
from app.research.training.examples import Example
from app.research.training.losses import Objective, Terms
from app.research.training.objectives import FOLLOWING, LOSSES, OF_SSPFUSION
from app.research.training.optimisation import CHECKPOINT_S, descend, follow

CURVE_POINTS = 400
LEAST_CROP = 15  # pixels: the largest window of a loss, that of `spots`
NEEDED = ("config", "network", "validated", "pairs")  # in a checkpoint
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


class ExamplesMismatchError(UsageError):
    def __init__(self, loss: str, *, wanted: bool) -> None:
        fact = "follows pictures, and --examples is missing" if wanted else "takes no --examples"
        hint = (
            "Make them with python -m app.research.training.examples."
            if wanted
            else "Leave them away, or choose a --loss."
        )
        super().__init__(f"The loss {loss!r} {fact}.", hint=hint)


def train(
    run: TrainConfig,
    slices: Sequence[Pair | Example],
    held_out: Sequence[Pair],
    out: Path,
    *,
    device: str = "cpu",
    resume: bool = False,
    progress: Progress = silent,
) -> float:
    """Train until `run.steps`; the best validation score, which rank 0 alone knows.

    slices : pairs, or examples where the loss is one of `objectives.FOLLOWING`; ExamplesMismatchError otherwise

    Ends where progress raises Cancelled too, after saving; --resume then goes on to the numbers of an unbroken run:
    batches and what is random in the network (dropout) depend on the seed, the step and the rank alone.
    """
    rank, count = ranks.rank(), ranks.count()
    followed = [one for one in slices if isinstance(one, Example)]
    if (run.loss in FOLLOWING) != (len(followed) == len(slices)):
        raise ExamplesMismatchError(run.loss, wanted=run.loss in FOLLOWING)
    if run.loss in OF_SSPFUSION and run.network != "sspfusion":
        raise ConfigError("loss", run.loss, f"one that looks at the picture alone: {run.network} shows no structures")
    taught_by = {
        "examples": examples.digest(followed),
        "pairs": digest([*(one for one in slices if isinstance(one, Pair)), *held_out]),
    }
    if run.batch % count:
        raise ConfigError("batch", run.batch, f"a multiple of the {count} processes that share it")
    torch.manual_seed(run.seed)
    if run.bf16 and device == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32: what bfloat16 leaves in float32 is rounded no more than it
    network = infer.channels_last(_built(run)).to(device)
    _freeze(network, run.frozen)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = OPTIMIZERS[run.optimizer](trained, lr=run.learning_rate)
    done, validated, best = 0, 0, -math.inf
    if resume:
        mean, done, validated, best = _resume(out, network, optimizer, taught_by)
    else:
        _begin(out, run, network)
        mean = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    ahead = ranks.parallel(_Ahead(LOSSES[run.loss], _Autocast(network, device, run.bf16)))
    # The ranks have met now, so whatever refuses the run has done so on all of them before anything is written.
    if rank == 0:
        run_folder.prepare(out, run.as_json(), {"curve.csv": done, "validation.csv": validated})

    def save() -> None:
        if rank == 0:
            state = {"config": run.as_json(), "step": done, "validated": validated, "best": best, "mean": mean}
            state |= {"network": network.state_dict(), "optimizer": optimizer.state_dict()} | taught_by
            run_folder.save_checkpoint(out, state)

    batches = _batches(run, slices, done)
    saved = time.monotonic()
    try:
        while validated < run.steps:
            if done > validated and (done % run.validate_every == 0 or done == run.steps):
                with ranks.cancelled_together(device):
                    if rank == 0:
                        best = _validate(run, mean, held_out, out, done, best, device, progress)
                validated = done
                continue
            torch.manual_seed(_seed_of(run.seed, done, rank))
            network.train()
            if done >= run.freeze_norm * run.steps:
                _freeze_norm(network)
            seen = [one[rank::count].to(device, memory_format=torch.channels_last) for one in next(batches)]
            terms: Terms = ahead(*seen)
            loss = descend(optimizer, trained, terms, done + 1, rate=run.learning_rate_at(done), clip=run.clip)
            follow(mean, network.state_dict(), run.ema, done)
            done += 1
            if rank == 0 and (done % max(1, run.steps // CURVE_POINTS) == 0 or done == run.steps):
                told = {name: round(term.item(), 5) for name, term in terms.items()}
                run_folder.append(out / "curve.csv", {"step": done, "loss": round(loss, 5)} | told)
            if time.monotonic() - saved > CHECKPOINT_S:
                save()
                saved = time.monotonic()
            with ranks.cancelled_together(device):
                progress(done / run.steps, f"step {done} of {run.steps}, loss {loss:.4f}")
    except Cancelled:
        save()
        raise
    save()
    return best


def _built(run: TrainConfig) -> nn.Module:
    """The run's network; ConfigError where it cannot be made so, or cannot be given such crops."""
    try:
        network = registry.build(run.network, **run.arguments)
    except (TypeError, KeyError, ValueError) as error:
        raise ConfigError("arguments", run.arguments, f"what {run.network} is made with ({error})") from error
    multiple = getattr(network, "multiple", 1)
    if run.crop % multiple or run.crop < LEAST_CROP:
        raise ConfigError("crop", run.crop, f"a multiple of {multiple}, and at least {LEAST_CROP}")
    return network


def _batches(run: TrainConfig, slices: Sequence[Pair | Example], step: int) -> Iterator[tuple[Tensor, ...]]:
    """The batches from that step on, each made while the step before it is computed."""

    def cut(one: Pair | Example, draw: np.random.Generator) -> tuple[Unit, ...]:
        if isinstance(one, Example):
            return examples.cut(one, draw, run.crop)
        return varied(one, draw, run.augmentation, run.crop)

    def make(step: int) -> tuple[Tensor, ...]:
        return batch_at(slices, step, seed=run.seed, batch=run.batch, cut=cut, tasks=run.tasks)

    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(make, step)
        for after in range(step + 1, run.steps + 1):
            ready = coming.result()
            coming = beside.submit(make, after)
            yield ready


class _Ahead(nn.Module):
    """Network and objective in one module, so that DistributedDataParallel sees which parameters the terms rest on."""

    def __init__(self, objective: Objective, network: nn.Module) -> None:
        super().__init__()
        self.objective = objective
        self.network = network

    def forward(self, *seen: Tensor) -> Terms:
        return self.objective(self.network, *seen)


class _Autocast(nn.Module):
    """The network with its forward pass in bfloat16, and only that: losses are float32 arithmetic."""

    def __init__(self, network: nn.Module, device: str, enabled: bool) -> None:
        super().__init__()
        self.network = network
        self.device = device
        self.enabled = enabled

    def forward(self, *sources: Tensor, **asked: Any) -> Any:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.enabled):
            return self.network(*sources, **asked)


def _seed_of(*numbers: int) -> int:
    """One seed out of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _freeze(network: nn.Module, patterns: Sequence[str]) -> None:
    """Keep what the patterns name as it begins; ConfigError where one names nothing."""
    names = [name for name, _ in network.named_parameters()]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ConfigError("frozen", pattern, "a pattern of parameters' names")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not any(fnmatchcase(name, pattern) for pattern in patterns))


def _freeze_norm(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _validate(
    run: TrainConfig,
    mean: Mapping[str, Tensor],
    held_out: Sequence[Pair],
    out: Path,
    step: int,
    best: float,
    device: str,
    progress: Progress,
) -> float:
    """Measure the mean weights, keep them where they are the best so far; the best score.

    Writes once all is measured, so that nothing is left behind where progress raises Cancelled.
    """
    network = registry.build(run.network, **run.arguments).to(device).eval()
    network.load_state_dict(mean)
    by_network = validation.by_network(network, device)

    def fuse(pair: Pair) -> Picture:
        progress(step / run.steps, f"step {step} of {run.steps}, validating {pair.task} {pair.name}")
        return by_network(pair)

    tables = validation.measure(
        thinned(held_out, run.validate_pairs),
        {"now": fuse, "maximum": validation.by_network(registry.load("maximum"))},
    )
    score = validation.score({task: table["now"] for task, table in tables.items()}, tables)
    for task, table in tables.items():
        told = {name: round(value, 4) for name, value in table["now"].items()}
        run_folder.append(out / "validation.csv", {"step": step, "score": round(score, 5), "task": task} | told)
    if score > best:
        weights.save(network, out / "weights.new", run.arguments)
        (out / "weights.new").replace(out / "weights.safetensors")
    return max(score, best)


def _begin(out: Path, run: TrainConfig, network: nn.Module) -> None:
    run_folder.refuse_another(out)
    if run.start_from:
        path = Path(run.start_from.file)
        if not path.is_file():
            raise NoStartError(path)
        weights.put(network, weights.read_tensors(path, run.start_from.sha256), path)


def _resume(
    out: Path, network: nn.Module, optimizer: torch.optim.Optimizer, taught_by: Mapping[str, str]
) -> tuple[dict[str, Tensor], int, int, float]:
    """Fill network and optimiser; the mean weights, steps done, the last of them that was validated, best score."""
    state = run_folder.read_checkpoint(out, NEEDED)
    if differing := [f"--{name}" for name, told in taught_by.items() if state[name] != told]:
        raise run_folder.ResumedOtherwiseError(out, differing)
    weights.put(network, state["network"], out / "checkpoint.pt")
    optimizer.load_state_dict(state["optimizer"])
    own = network.state_dict()
    mean = {name: tensor.to(own[name].device, copy=True) for name, tensor in state["mean"].items()}
    return mean, state["step"], state["validated"], state["best"]
