"""What a training run is made of, frozen and written beside its results, and the runs by name.

A network has one run of its own name, runs that go on from it (its card tells in which order, and whose weights are
published), and runs that follow its paper to the letter.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from app.base.errors import InputError, UsageError
from app.fusion.weights import sha256_of
from app.research.pairs import MEDICAL_TASKS, Augmentation
from app.research.training.optimisation import cosine, warmed


class UnknownRunError(UsageError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no training run {name!r}.", hint=f"Known are {', '.join(sorted(CONFIGS))}.")


class ConfigError(UsageError):
    hint = "Change that value."

    def __init__(self, name: str, value: object, wanted: str) -> None:
        super().__init__(f"A training run cannot have {name} = {value!r}: it must be {wanted}.")


class NoStartError(InputError):
    hint = "--start-from takes a safetensors file, or the folder of a run that wrote its weights.safetensors."

    def __init__(self, path: Path) -> None:
        super().__init__(f"There are no weights to start from: {path} is missing.")


Optimizer = Literal["adam", "sgd"]
Schedule = Literal["cosine", "halving"]


@dataclass(frozen=True)
class StartFrom:
    """Weights that a run begins with, such as those of a first stage: a safetensors file, and the hash it must have."""

    file: str
    sha256: str


def start_from(path: Path) -> StartFrom:
    """That file, or the weights of the run in that folder; NoStartError where there are none."""
    file = path / "weights.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise NoStartError(file)
    return StartFrom(str(file.resolve()), sha256_of(file))


@dataclass(frozen=True)
class TrainConfig:
    """One training run; ConfigError where a value makes no sense.

    network, arguments : name in the registry, and its constructor's arguments
    loss : name in `objectives.LOSSES`
    steps, batch, crop : optimiser steps, crops in each, and their side in pixels
    tasks : drawn from with equal chance; one that stands there twice, twice as often
    start_from : weights to begin with; None begins with what the constructor draws
    frozen : patterns (fnmatch) of the names of parameters that stay as they begin
    optimizer : "adam", or "sgd" without momentum
    learning_rate, warmup : the highest rate, reached linearly after `warmup` steps
    schedule : "cosine" to 0 at the end (one cycle, with the warm-up), or "halving" every `halve_every` steps
    ema : decay of the running mean of the weights, which is what is validated and kept; it starts lower
    clip : largest norm of the gradient; 0 clips nothing
    freeze_norm : the share of steps after which batch norm keeps its statistics, so that the last part of the training
        sees the network as inference will
    bf16 : autocast the forward pass
    validate_every : steps between two looks at the validation pairs
    validate_pairs : how many pairs of each task are looked at then, evenly spaced; 0 takes all
    augmentation : of pairs; examples were varied when they were made
    """

    network: str
    loss: str
    arguments: dict[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = MEDICAL_TASKS
    steps: int = 20_000
    batch: int = 8
    crop: int = 64
    start_from: StartFrom | None = None
    frozen: tuple[str, ...] = ()
    optimizer: Optimizer = "adam"
    learning_rate: float = 2e-3
    warmup: int = 200
    schedule: Schedule = "cosine"
    halve_every: int = 0
    ema: float = 0.999
    clip: float = 1.0
    freeze_norm: float = 0.5
    bf16: bool = False
    validate_every: int = 1000
    validate_pairs: int = 0
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "crop", "validate_every", *["halve_every"] * (self.schedule == "halving")):
            if getattr(self, name) < 1:
                raise ConfigError(name, getattr(self, name), "at least 1")
        if self.seed < 0:
            raise ConfigError("seed", self.seed, "0 or more")
        for name in ("learning_rate", "clip"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(name, getattr(self, name), "0 or more, and finite")
        for name, known in (("optimizer", get_args(Optimizer)), ("schedule", get_args(Schedule))):
            if getattr(self, name) not in known:
                raise ConfigError(name, getattr(self, name), f"one of {', '.join(known)}")

    def learning_rate_at(self, step: int) -> float:
        rate = warmed(self.learning_rate, step, self.warmup)
        if self.schedule == "halving":
            return rate * 0.5 ** (step // self.halve_every)
        return cosine(rate, step, self.steps)

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"


def from_json(text: str) -> TrainConfig:
    """A run as `as_json` wrote it."""
    told = json.loads(text)
    for name in ("tasks", "frozen"):
        told[name] = tuple(told[name])
    told["augmentation"] = Augmentation(**told["augmentation"])
    told["start_from"] = told["start_from"] and StartFrom(**told["start_from"])
    return TrainConfig(**told)


def config(name: str, **changes: Any) -> TrainConfig:
    if name not in CONFIGS:
        raise UnknownRunError(name)
    return replace(CONFIGS[name], **changes)


CT_TWICE = ("ct-mri", "ct-mri", "pet-mri", "spect-mri")  # the hardest of the three
# Without the paper's dropout, which is for longer runs than what was run here.
_LKCFUNET = {"from_maximum": True, "dropout": 0.0, "drop_path": 0.0}
LKCFUNET_LARGE = (  # all dense kernels but the last block's: three quarters of its parameters
    "init_block.2.*",
    "encoder.*.0.first.2.*",
    "encoder.*.0.second.3.*",
    "decoder.*.0.first.2.*",
    "decoder.*.0.second.3.*",
)
_NO_AUGMENTATION = Augmentation(gamma=0, window=0, scalar=0)
_EPOCH = 480 // 4  # steps: the three tasks' training pairs in batches of four
_AS_PUBLISHED = TrainConfig(  # "Implementation Details": Adam 1e-4 halved every 50 of 200 epochs, batch 4, crops 64
    network="lightfusionnet",
    loss="lightfusionnet-published",
    steps=200 * _EPOCH,
    batch=4,
    learning_rate=1e-4,
    warmup=1,
    schedule="halving",
    halve_every=50 * _EPOCH,
    ema=0.0,
    clip=0.0,
    freeze_norm=1.0,
    augmentation=_NO_AUGMENTATION,
)
_SSPFUSION_STRUCTURE = TrainConfig(  # section 4.1: Adam 2e-4, cosine, 50 epochs, then 300; the batch is not stated
    network="sspfusion",
    loss="sspfusion-structure",
    steps=50 * _EPOCH,
    batch=4,
    learning_rate=2e-4,
    warmup=1,
    ema=0.0,
    clip=0.0,
    augmentation=_NO_AUGMENTATION,
    validate_every=50 * _EPOCH,  # its fused picture has learnt nothing yet
    validate_pairs=4,
)
_OURS = TrainConfig(  # what our runs have in common, but for LightFusionNet's
    network="lkcfunet",
    loss="lively",
    batch=16,
    crop=128,
    learning_rate=5e-4,
    warmup=100,
    ema=0.998,
    bf16=True,
    validate_every=500,
    validate_pairs=4,
)
_REFINEFUSE = replace(
    _OURS, network="refinefuse", loss="faithful-lesions", steps=1500, learning_rate=1e-3, validate_every=750
)
_REFINEFUSE_FOLLOWED = replace(
    _REFINEFUSE,
    loss="following-lesions-0.05",
    tasks=CT_TWICE,
    steps=2000,
    batch=2,
    crop=192,
    learning_rate=5e-4,
    ema=0.995,
    validate_every=400,
)
_REFINEFUSE_TESTED = replace(
    _REFINEFUSE_FOLLOWED,
    loss="following-tested-3",
    steps=400,
    batch=4,
    crop=128,
    learning_rate=3e-4,
    ema=0.98,
)
_SSPFUSION_FOLLOWED = replace(
    _OURS,
    network="sspfusion",
    loss="following-closely",
    frozen=("extractor.*",),  # half of the time, and its structures are the paper's
    tasks=CT_TWICE,
    steps=3500,
    batch=2,
    crop=96,
    learning_rate=3e-4,
    warmup=30,
    ema=0.995,
    validate_every=3500,  # its score minds contrast as much as structure: the end is kept
    validate_pairs=2,
)

_LKCFUNET_FOLLOWED = replace(
    _OURS,
    loss="following",
    arguments=_LKCFUNET,
    frozen=(*LKCFUNET_LARGE, "last.first.2.*", "last.second.3.*"),
    tasks=CT_TWICE,
    steps=1600,
    batch=1,
    crop=192,  # nearly a whole slice: the norms look at all of it
    learning_rate=4e-4,
    warmup=30,
    ema=0.99,
    freeze_norm=0.0,
    validate_every=500,
)

CONFIGS: dict[str, TrainConfig] = {
    "lightfusionnet": TrainConfig(
        network="lightfusionnet", loss="lively", steps=8000, validate_every=2000, augmentation=Augmentation(dim=0.3)
    ),
    "lightfusionnet-followed": TrainConfig(  # --start-from the weights of the run above, with examples
        network="lightfusionnet",
        loss="following-closely",
        tasks=CT_TWICE,
        steps=3000,
        crop=96,
        validate_every=3000,
        validate_pairs=4,
    ),
    "lightfusionnet-published": _AS_PUBLISHED,
    "lightfusionnet-equation-5": replace(_AS_PUBLISHED, loss="lightfusionnet-equation-5"),
    "refinefuse": _REFINEFUSE,
    "refinefuse-followed": _REFINEFUSE_FOLLOWED,  # --start-from the weights of the run above, with examples
    "refinefuse-tuned": replace(  # --start-from the weights of the run above, with the same examples
        _REFINEFUSE_FOLLOWED, loss="following-lesions-0.15", steps=600, learning_rate=3e-4
    ),
    "refinefuse-tested": _REFINEFUSE_TESTED,  # --start-from a blend of the first and the run above, the same examples
    "refinefuse-tested-more": replace(  # --start-from the weights of the run above
        _REFINEFUSE_TESTED, loss="following-tested-9", steps=200, validate_every=200
    ),
    "refinefuse-tested-longer": replace(  # --start-from the weights of the run above
        _REFINEFUSE_TESTED, loss="following-tested-30", steps=900, validate_every=900
    ),
    "refinefuse-ir-vis": replace(
        _REFINEFUSE, network="refinefuse-ir-vis", loss="lively", tasks=("ir-vis",), steps=1200
    ),
    "refinefuse-published": TrainConfig(  # "Implement details": SGD 1e-3, batch 8, crops 256, 300 epochs of 152 pairs
        network="refinefuse",
        loss="refinefuse-published",
        tasks=("ir-vis",),
        steps=300 * (152 // 8),
        crop=256,
        optimizer="sgd",
        learning_rate=1e-3,
        warmup=1,
        schedule="halving",
        halve_every=300 * (152 // 8),  # never: the paper names no decay
        ema=0.0,
        clip=0.0,
        freeze_norm=1.0,
        validate_every=75 * (152 // 8),
        augmentation=_NO_AUGMENTATION,
    ),
    "sspfusion-begun": replace(_OURS, network="sspfusion", loss="sspfusion-lively", steps=700),
    "sspfusion": replace(  # --start-from the weights of the run above
        _OURS,
        network="sspfusion",
        loss="sspfusion-telling",
        steps=300,
        batch=2,
        learning_rate=2e-4,
        warmup=20,
        ema=0.99,
        validate_every=100,
    ),
    "sspfusion-followed": _SSPFUSION_FOLLOWED,  # --start-from the blend of both runs above, with examples
    "sspfusion-told": replace(  # --start-from the weights of the run above, with the same examples
        _SSPFUSION_FOLLOWED, loss="following-and-telling", steps=1000, learning_rate=2e-4, validate_every=1000
    ),
    "sspfusion-alike": replace(  # --start-from the weights of the run above
        _SSPFUSION_FOLLOWED, loss="alike", steps=800, learning_rate=2e-4, validate_every=800
    ),
    "sspfusion-all-round": replace(  # --start-from the weights that the blends of the runs above come to
        _SSPFUSION_FOLLOWED, loss="all-round", steps=600, learning_rate=2e-4, validate_every=600
    ),
    "sspfusion-structure": _SSPFUSION_STRUCTURE,
    "sspfusion-published": replace(  # --start-from the weights of the run above
        _SSPFUSION_STRUCTURE, loss="sspfusion-published", steps=300 * _EPOCH, validate_every=30 * _EPOCH
    ),
    "lkcfunet": replace(
        _OURS,
        arguments=_LKCFUNET,
        steps=1500,
    ),
    "lkcfunet-tuned": replace(  # --start-from the weights of the run above
        _OURS,
        loss="edged",
        arguments=_LKCFUNET,
        frozen=LKCFUNET_LARGE,
        tasks=CT_TWICE,
        steps=480,
        batch=2,
        learning_rate=2e-4,
        warmup=20,
        ema=0.98,
        freeze_norm=0.0,
        validate_every=480,
        validate_pairs=2,
    ),
    "lkcfunet-followed": _LKCFUNET_FOLLOWED,  # --start-from the weights of `last_block`, with examples
    "lkcfunet-sharpened": replace(  # --start-from the weights that `last_block` and `amplify` come to, with examples
        _LKCFUNET_FOLLOWED,
        loss="following-and-telling-0.02",
        steps=500,
        learning_rate=3e-4,
        ema=0.98,
        validate_every=500,
        validate_pairs=2,
    ),
    "lkcfunet-found": replace(  # --start-from the weights of the run above, with the same examples
        _LKCFUNET_FOLLOWED,
        loss="following-and-finding-0.3",
        steps=560,
        learning_rate=5e-4,
        ema=0.98,
        validate_every=560,
        validate_pairs=2,
    ),
    "lkcfunet-published": TrainConfig(  # Section 4.1.1: Adam 1e-4, batch 32, crops 64, 1000 epochs of 40 pairs
        network="lkcfunet",
        loss="lkcfunet-published",
        steps=1250,
        batch=32,
        learning_rate=1e-4,
        warmup=1,
        schedule="halving",
        halve_every=1250,
        ema=0.0,
        clip=0.0,
        freeze_norm=1.0,
        validate_every=250,
        validate_pairs=2,
        augmentation=_NO_AUGMENTATION,
    ),
}
