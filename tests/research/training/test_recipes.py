"""Recipes: what a file may say, and one sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from app.base.assets import model_weights
from app.fusion import weights
from app.fusion.registry import UnknownNetworkError
from app.research.training import recipes
from app.research.training.loop import check_crop, freeze
from app.research.training.losses import loss_of
from app.research.training.recipes import Augmentation, Base, Recipe, RecipeError, Stage
from app.research.training.train import built

SHIPPED = sorted(model_weights().glob("*.toml"))
STAGE = "[[stage]]\nsteps = 3\nbatch = 2\ncrop = 32\n"
SMALL = 'network = "lightfusionnet"\n' + STAGE


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_recipe_says_what_differs_from_the_defaults(tmp_path):
    text = 'network = "refinefuse"\n[arguments]\nwidth = 8\n[base]\nfile = "a"\nsha256 = "b"\n' + STAGE
    text += 'frozen = ["x.*"]\naugmentation = { dim = 0.0 }\n' + STAGE + 'tasks = ["ct-mri", "ct-mri", "pet-mri"]\n'
    first = Stage(steps=3, batch=2, crop=32, frozen=("x.*",), augmentation=Augmentation(dim=0.0))
    second = Stage(steps=3, batch=2, crop=32, tasks=("ct-mri", "ct-mri", "pet-mri"))
    expected = Recipe("refinefuse", (first, second), {"width": 8}, Base("a", "b"))
    assert recipes.read(written(tmp_path, text)) == expected
    assert recipes.from_json(expected.as_json()) == expected


def test_the_papers_stages_take_no_base_and_the_constructors_defaults(tmp_path):
    text = SMALL + '[arguments]\nwidth = 8\n[base]\nfile = "a"\nsha256 = "b"\n' + STAGE.replace("stage", "published")
    recipe = recipes.read(written(tmp_path, text), "published")
    assert recipe == Recipe("lightfusionnet", (Stage(steps=3, batch=2, crop=32),))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (SMALL + "stpes = 4\n", "unknown field `stpes` - at `$.stages[0]`"),
        (SMALL + "augmentation = { dimm = 1.0 }\n", "unknown field `dimm` - at `$.stages[0].augmentation`"),
        ("lerning = 1\n" + SMALL, "unknown field `lerning`"),
        (SMALL.replace("steps = 3", ""), "missing required field `steps` - at `$.stages[0]`"),
        (SMALL.replace("steps = 3", "steps = 0"), "Expected `int` >= 1 - at `$.stages[0].steps`"),
        (SMALL + "learning_rate = -1.0\n", "Expected `float` >= 0"),
        (SMALL + "learning_rate = nan\n", "learning_rate"),
        (SMALL + "ema = 1.0\n", "Expected `float` < 1.0 - at `$.stages[0].ema`"),
        (SMALL + 'schedule = "linear"\n', "Invalid enum value 'linear' - at `$.stages[0].schedule`"),
        (SMALL + 'tasks = ["ct"]\n', "Invalid enum value 'ct'"),
        (SMALL + "tasks = []\n", "length >= 1 - at `$.stages[0].tasks`"),
        (SMALL + STAGE + STAGE, "length <= 2 - at `$.stages`"),
        ('network = "lightfusionnet"\nstage = []\n', "length >= 1 - at `$.stages`"),
        ("network = ", "Invalid value"),
        (SMALL + "[base]\nfile = 3\n", "Expected `str`, got `int` - at `$.base.file`"),
    ],
)
def test_a_recipe_that_means_nothing_is_refused_in_a_sentence(tmp_path, text, fact):
    with pytest.raises(RecipeError) as caught:
        recipes.read(written(tmp_path, text))
    assert fact in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_not_there_and_a_network_nobody_knows(tmp_path):
    with pytest.raises(RecipeError, match="No such file"):
        recipes.read(tmp_path / "none.toml")
    with pytest.raises(UnknownNetworkError):
        recipes.read(written(tmp_path, SMALL.replace("lightfusionnet", "resnet")))
    with pytest.raises(RecipeError, match="length >= 1"):
        recipes.read(written(tmp_path, SMALL), "published")


def test_each_of_the_four_networks_has_its_recipe_beside_its_card():
    assert [path.stem for path in SHIPPED] == ["lightfusionnet", "lkcfunet", "refinefuse", "sspfusion"]
    assert all(path.with_suffix(".md").is_file() for path in SHIPPED)


@pytest.mark.parametrize("loss", ["ours", "published"])
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_begun(path, loss):
    recipe = recipes.read(path, loss)
    assert recipe.network == path.stem
    with torch.device("meta"):
        network = built(recipe)
    for stage in recipe.stages:
        assert callable(loss_of(recipe.network, stage.loss))
        assert stage.loss == "ours" if loss == "ours" else stage.loss in ("published", "structure")
        check_crop(stage, network)
        freeze(network, stage.frozen)
        assert any(parameter.requires_grad for parameter in network.parameters())
    if recipe.base:
        assert weights.sha256_of(path.parent / recipe.base.file) == recipe.base.sha256
