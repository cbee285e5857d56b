"""How a network is trained: a recipe, one TOML file beside its card in `model_weights`, named after it.

    network = "refinefuse"

    [arguments]              # of the network's constructor; the defaults are the paper's
    from_maximum = true

    [base]                   # weights to begin with; without it, with what the constructor draws
    file = "NAME.safetensors"
    sha256 = "..."

    [[stage]]                # run one after the other, two at most; each begins with the weights of the one before
    loss = "ours"
    steps = 1500
    ...                      # the other fields of `Stage`

    [[published]]            # the paper's own stages, which `train NAME --loss published` runs in their place

A stage leaves out what has the default. A key or a value that means nothing is a RecipeError with one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from app.base.errors import InputError
from app.fusion import registry

Task = Literal["ct-mri", "pet-mri", "spect-mri", "ir-vis"]
Count = Annotated[int, msgspec.Meta(ge=1)]
CountOrNone = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class RecipeError(InputError):
    hint = "Correct the recipe; the docstring of app.research.training.recipes says what one holds."

    def __init__(self, source: str, fact: str) -> None:
        super().__init__(f"The recipe {source} cannot be followed: {fact}.")


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far training pictures may stray from the files; 0 leaves them alone. Zero stays zero throughout.

    gamma : standard deviation of the logarithm of the exponent
    window : the upper end is drawn from 1 - window to 1 + window
    scalar : how often the scalar is taken where there is one
    dim : how often one of the two sources is darkened to at most half, so that broad brightness of one over the dark of
        the other is seen
    """

    gamma: Share = 0.2
    window: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.2
    scalar: Share = 0.5
    dim: Share = 0.3


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One run of the training loop.

    loss : "ours", "published" or, of SSPFusion, "structure" (`losses`)
    emphasis : on the lesions in our loss
    steps, batch, crop : optimiser steps, pairs in each, and their side in pixels; our loss fuses each pair twice
    tasks : drawn from with equal chance; one that stands there twice, twice as often
    frozen : patterns (fnmatch) of the names of parameters that stay as they begin
    optimizer : "adam", or "sgd" without momentum
    learning_rate, warmup : the highest rate, reached linearly in `warmup` steps
    schedule : "cosine" to 0 at the end, "halving" every `halve_every` steps, or "constant"
    ema : decay of the running mean of the weights, which is what is kept in the end; it starts lower
    clip : largest norm of the gradient; 0 clips nothing
    freeze_norm : the share of steps after which batch norm keeps its statistics, so that the last part of the training
        sees the network as inference will
    bf16 : autocast the forward pass
    validate_every, validate_pairs : steps between two looks at the validation pairs, and how many of each task are
        looked at, evenly spaced; they choose nothing, and with 0 there are none
    """

    steps: Count
    batch: Count
    crop: Count
    loss: str = "ours"
    emphasis: Weight = 1.0
    tasks: Annotated[tuple[Task, ...], msgspec.Meta(min_length=1)] = ("ct-mri", "pet-mri", "spect-mri")
    frozen: tuple[str, ...] = ()
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Weight = 1e-3
    warmup: CountOrNone = 100
    schedule: Literal["cosine", "halving", "constant"] = "cosine"
    halve_every: Count = 1
    ema: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.998
    clip: Weight = 1.0
    freeze_norm: Share = 0.5
    bf16: bool = False
    validate_every: CountOrNone = 0
    validate_pairs: Count = 2
    seed: CountOrNone = 0
    augmentation: Augmentation = Augmentation()


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights that a recipe begins with: a safetensors file beside the recipe, and the hash it must have."""

    file: str
    sha256: str


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """network : name in the registry; arguments : of its constructor; stages : run in this order"""

    network: str
    stages: Annotated[tuple[Stage, ...], msgspec.Meta(min_length=1, max_length=2)]
    arguments: dict[str, Any] = {}
    base: Base | None = None

    def as_json(self) -> str:
        return msgspec.json.format(msgspec.json.encode(self).decode(), indent=2) + "\n"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recipe as a file tells it; the paper's stages take no base, and the constructor's defaults."""

    network: str
    stage: Sequence[Any]
    published: Sequence[Any] = ()
    arguments: dict[str, Any] = {}
    base: Any = None


def read(path: Path, loss: Literal["ours", "published"] = "ours") -> Recipe:
    """The recipe in a TOML file: its own stages, or with "published" the paper's; RecipeError."""
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
        if loss == "ours":
            parts = {"stages": file.stage, "arguments": file.arguments, "base": file.base}
        else:
            parts = {"stages": file.published}
        recipe = msgspec.convert({"network": file.network} | parts, Recipe)
    except (OSError, msgspec.MsgspecError) as error:
        raise RecipeError(str(path), str(error)) from error
    registry.listed(recipe.network)
    return recipe


def from_json(text: str) -> Recipe:
    """As `as_json` wrote it; msgspec.MsgspecError where this version of the program knows no such recipe."""
    return msgspec.json.decode(text, type=Recipe)
