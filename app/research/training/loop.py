"""The training loop: one stage of a recipe, its steps, the running mean of the weights, looks at the validation pairs.

What is random (batches, planted lesions, dropout) depends on the stage's seed and the step alone, so a stage that was
broken off goes on to the numbers of an unbroken one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel

from app.base.errors import FusionError
from app.base.progress import Cancelled, Progress
from app.research.evaluation import validation
from app.research.pairs import Pair, Picture, thinned
from app.research.training.batches import batches
from app.research.training.losses import Loss, loss_of
from app.research.training.recipes import RecipeError, Stage
from app.research.training.run_folder import CURVE, VALIDATION, RunFolder
from app.research.training.terms import Terms

CHECKPOINT_S = 180.0  # between two that are saved on the way
CURVE_POINTS = 400
LEAST_CROP = 15  # pixels: the largest window of a loss, that of `evaluation.spots`


class DivergedError(FusionError):
    hint = "Begin again in another folder, with a lower learning_rate in the recipe."

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(f"The training diverged: the loss of step {step} is {loss}.")


class StageRun:
    """A stage under way: the network that learns, its optimiser, and the running mean of its weights."""

    def __init__(self, stage: Stage, network: nn.Module, name: str, device: str) -> None:
        check_crop(stage, network)
        freeze(network, stage.frozen)
        self.stage = stage
        self.device = device
        self.memory_format = _memory_format(stage, network, device)
        self.network = network.to(device, memory_format=self.memory_format)  # type: ignore[call-overload]
        self.mean = AveragedModel(self.network, avg_fn=_running(stage.ema))  # buffers are those of the last step
        self.learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = _optimizer(stage, self.learning)
        self.scheduler = _scheduler(stage, self.optimizer)
        self.loss: Loss = loss_of(name, stage.loss, stage.emphasis)
        self.done = 0

    def state(self) -> dict[str, Any]:
        """What `restore` goes on from."""
        return {
            "done": self.done,
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])

    def step(self, mri: Tensor, partner: Tensor) -> tuple[float, Terms]:
        """One step of the optimiser; the loss before it, and its terms. DivergedError where it is not finite."""
        torch.manual_seed(_seed_of(self.stage.seed, self.done))
        self.network.train()
        if self.done >= self.stage.freeze_norm * self.stage.steps:
            _keep_norm(self.network)
        sources = (image.to(self.device, memory_format=self.memory_format) for image in (mri, partner))
        terms = self.loss(_Autocast(self.network, self.device, self.stage.bf16), *sources)
        loss = torch.stack(list(terms.values())).sum()
        if not math.isfinite(loss.item()):
            raise DivergedError(self.done + 1, loss.item())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
        nn.utils.clip_grad_norm_(self.learning, self.stage.clip or math.inf)
        self.optimizer.step()
        self.scheduler.step()
        self.mean.update_parameters(self.network)
        self.done += 1
        return loss.item(), terms


def train(
    run: StageRun,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    folder: RunFolder,
    save: Callable[[], None],
    *,
    progress: Progress,
) -> None:
    """Train until the stage's last step; rows of its curve and of its looks at the held-out pairs go into the folder.

    Calls `save` now and then, at the end, and before it passes on what progress raises (Cancelled).
    """
    stage = run.stage
    saved = time.monotonic()
    try:
        for mri, partner in batches(stage, pairs, run.done):
            loss, terms = run.step(mri, partner)
            if run.done % max(1, stage.steps // CURVE_POINTS) == 0 or run.done == stage.steps:
                row = {name: round(term.item(), 5) for name, term in terms.items()}
                folder.append(CURVE, run.done, {"loss": round(loss, 5)} | row)
            progress(run.done / stage.steps, f"step {run.done} of {stage.steps}, loss {loss:.4f}")
            if stage.validate_every and run.done % stage.validate_every == 0:
                _look_at(
                    run, thinned(held_out, stage.validate_pairs), folder, partial(progress, run.done / stage.steps)
                )
            if time.monotonic() - saved > CHECKPOINT_S:
                save()
                saved = time.monotonic()
    except Cancelled:
        save()
        raise
    save()


def _look_at(run: StageRun, held_out: Sequence[Pair], folder: RunFolder, report: Callable[[str], None]) -> None:
    """Measure the mean weights; written once all is measured, so that nothing is left where progress raises."""
    network = deepcopy(run.mean.module).eval()
    by_network = validation.by_network(network, run.device)

    def fuse(pair: Pair) -> Picture:
        report(f"step {run.done}, validating {pair.task} {pair.name}")
        return by_network(pair)

    for task, table in validation.measure(held_out, {"now": fuse}).items():
        row = {name: round(value, 4) for name, value in table["now"].items()}
        folder.append(VALIDATION, run.done, {"task": task} | row)


def check_crop(stage: Stage, network: nn.Module) -> None:
    """RecipeError where the network cannot be given such crops."""
    multiple = getattr(network, "multiple", 1)
    if stage.crop % multiple or stage.crop < LEAST_CROP:
        fact = f"crop = {stage.crop} must be a multiple of {multiple}, and at least {LEAST_CROP}"
        raise RecipeError("of this network", fact)


def freeze(network: nn.Module, patterns: Sequence[str]) -> None:
    """Keep what the patterns name as it begins; RecipeError where one names nothing."""
    names = [name for name, _ in network.named_parameters()]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise RecipeError("of this network", f"frozen = {pattern!r} names no parameter")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not any(fnmatchcase(name, pattern) for pattern in patterns))


def _memory_format(stage: Stage, network: nn.Module, device: str) -> torch.memory_format:
    """Channels last, which is faster on processors, but where it computes garbage.

    In torch 2.13 the gradient of a dilated depthwise kernel in bfloat16 on a processor reads memory that nobody wrote:
    of 60 runs after that memory was filled with NaN, 47 had a NaN in it.
    """
    kernels = (module for module in network.modules() if isinstance(module, nn.Conv2d))
    broken = any(kernel.groups > 1 and max(kernel.dilation) > 1 for kernel in kernels)
    return torch.contiguous_format if stage.bf16 and device == "cpu" and broken else torch.channels_last


def _running(ema: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """The running mean's rule; its decay starts lower, or what the network began with would stay in it for long."""

    def follow(mean: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
        return torch.lerp(mean, now, 1 - min(ema, (1 + int(count)) / (10 + int(count))))

    return follow


def _optimizer(stage: Stage, learning: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
    kind = torch.optim.Adam if stage.optimizer == "adam" else torch.optim.SGD
    return kind(learning, lr=stage.learning_rate)


def _scheduler(stage: Stage, optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
    warmup = min(stage.warmup, stage.steps - 1)
    after: lr_scheduler.LRScheduler
    if stage.schedule == "cosine":
        after = lr_scheduler.CosineAnnealingLR(optimizer, stage.steps - warmup)
    elif stage.schedule == "halving":
        after = lr_scheduler.StepLR(optimizer, stage.halve_every, gamma=0.5)
    else:
        after = lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if not warmup:
        return after
    rising = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
    return lr_scheduler.SequentialLR(optimizer, [rising, after], [warmup])


class _Autocast(nn.Module):
    """The network with its forward pass in bfloat16, and only that: losses are float32 arithmetic."""

    def __init__(self, network: nn.Module, device: str, enabled: bool) -> None:
        super().__init__()
        self.network = network
        self.device = device
        self.enabled = enabled

    def forward(self, *sources: Tensor, **options: Any) -> Any:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.enabled):
            return self.network(*sources, **options)


def _seed_of(*numbers: int) -> int:
    """One seed out of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _keep_norm(network: nn.Module) -> None:
    """Batch norm keeps its statistics from now on."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
