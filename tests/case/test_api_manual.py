"""The examples of resources/manual/api.md run as they stand, one after the other, on a small demo study."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.core.transforms import inverse
from app.phantom import study
from app.phantom.study import write_demo
from tests.paths import ROOT

MANUAL = ROOT / "resources" / "manual" / "api.md"


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the examples leave behind, by name; and the demo's truth."""
    text = MANUAL.read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        truth = {}
        patch.setattr(study, "write_demo", lambda folder: truth.update(write_demo(folder, small=True)))
        left: dict[str, object] = {"truth": truth}
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)):
            exec(compile(block, f"{MANUAL.name}, example {number}", "exec"), left)
        yield left


def test_no_example_is_longer_than_ten_lines():
    blocks = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    assert all(len(block.splitlines()) <= 10 for block in blocks)


def test_a_fusion_is_made_and_written(names):
    fusion = names["fusion"]
    assert fusion.slices == (40, 41, 42)
    assert fusion.stack.done[[40, 41, 42]].all()
    assert [path.name[-9:] for path in names["paths"]] == ["_0041.png", "_0042.png", "_0043.png"]  # from 1
    assert all(path.exists() for path in names["paths"])
    assert 0 < fusion.metrics["SSIM"] <= 1


def test_a_registration_is_found_and_written(names):
    result = names["registration"].result
    assert result.verdict == "unverified"
    from app.files import tfm

    np.testing.assert_allclose(tfm.read_tfm("mri-to-pet.tfm"), result.fixed_to_moving, atol=1e-6)
    assert inverse(result.fixed_to_moving).shape == (4, 4)


def test_metrics_and_tables_have_numbers(names):
    assert set(names["values"]) >= {"SSIM", "MI"}
    assert {"average", "lightfusionnet"} <= set(names["tables"]["ct-mri"])
