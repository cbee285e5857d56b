"""Noise and misalignment of known size, and fusers whose answer to them is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from PIL import Image

from app.base.progress import Cancelled
from app.metrics.catalogue import evaluate
from app.research import __main__ as research
from app.research.evaluation import robustness
from app.research.pairs import Pair
from tests.research import made_up

DRAW = np.random.default_rng(0)
PAIRS = [Pair("ct-mri", str(number), *DRAW.integers(1, 256, (2, 40, 48)).astype(np.uint8)) for number in (1001, 1002)]


def test_gaussian_noise_has_the_variance_of_the_paper():
    flat = np.full((400, 400), 128, np.uint8)
    noisy = robustness.gaussian(flat, np.random.default_rng(1)).astype(float)
    assert noisy.mean() == pytest.approx(128, abs=0.1)
    assert noisy.var() == pytest.approx(25 + 1 / 12, rel=0.02)  # and that of rounding


@pytest.mark.parametrize("level", [50, 150])
def test_poisson_gaussian_noise_grows_with_the_grey_level(level):
    flat = np.full((400, 400), level, np.uint8)
    noisy = robustness.poisson_gaussian(flat, np.random.default_rng(1)).astype(float)
    assert noisy.mean() == pytest.approx(level, abs=0.2)
    assert noisy.var() == pytest.approx(level + 25 + 1 / 12, rel=0.02)


@pytest.mark.parametrize("step", [(2, 0), (-2, 0), (0, 3), (0, -3), (1, -4)])
def test_a_shift_moves_every_pixel_and_lets_zero_in(step):
    picture = PAIRS[0].mri
    moved = robustness.shifted(picture, *step)
    for y in range(40):
        for x in range(48):
            inside = 0 <= y - step[0] < 40 and 0 <= x - step[1] < 48
            assert moved[y, x] == (picture[y - step[0], x - step[1]] if inside else 0)


def test_who_ignores_the_partner_is_not_hurt_by_it_and_who_shows_it_moves_with_it():
    fusers = {"mri": lambda mri, partner: mri, "partner": lambda mri, partner: partner}
    found = robustness.measure(PAIRS, fusers)["ct-mri"]
    of_mri, of_partner = found["mri"], found["partner"]
    assert list(of_mri) == ["none", *robustness.DISTURBANCES]
    assert of_mri["none"]["n"] == 2
    for name in ("partner Poisson-Gaussian", *(f"partner {pixels} px off" for pixels in (1, 2, 3, 4, 5))):
        assert of_mri[name] == pytest.approx(of_mri["none"], nan_ok=True)
        assert of_partner[name]["RMS"] > 5
        assert of_partner[name]["SSIM"] < of_partner["none"]["SSIM"]
    assert of_mri["MRI Gaussian"]["RMS"] == pytest.approx(5, rel=0.1)
    assert of_mri["both noisy"]["RMS"] == pytest.approx(5, rel=0.1)
    assert of_partner["MRI Gaussian"] == pytest.approx(of_partner["none"], nan_ok=True)
    expected = [
        evaluate(robustness.shifted(pair.luma, *step), pair.mri, pair.luma, ["Qabf"])[0].value
        for pair in PAIRS
        for step in ((2, 0), (-2, 0), (0, 2), (0, -2))
    ]
    assert of_partner["partner 2 px off"]["Qabf"] == pytest.approx(np.mean(expected))


def test_every_network_sees_the_same_noise():
    def larger(mri, partner):
        return np.maximum(mri, partner)

    alone = robustness.measure(PAIRS[1:], {"b": larger})["ct-mri"]["b"]
    together = robustness.measure(PAIRS[1:], {"a": larger, "b": larger})["ct-mri"]
    assert together["a"] == together["b"] == alone
    other = robustness.measure(PAIRS[1:], {"b": larger}, seed=1)["ct-mri"]["b"]
    assert other["both noisy"] != alone["both noisy"]
    assert other["partner 1 px off"] == alone["partner 1 px off"]


def test_cancelling_leaves_a_network_between_its_steps():
    fuse = made_up.CountedMaximum()

    def progress(fraction: float, message: str = "") -> None:
        if fuse.calls >= 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        robustness.measure(PAIRS, {"a": fuse}, progress=progress)
    assert fuse.calls == 3


def test_what_is_undefined_prints_as_a_dash():
    blank = {"none": {"n": 1, "RMS": 0.0} | dict.fromkeys(robustness.METRICS, math.nan)}
    text = robustness.as_text({"ct-mri": {"blank": blank}})
    assert text.splitlines()[2] == "| blank | none | 0.0 |" + " - |" * len(robustness.METRICS)


def test_the_command_prints_tables_and_json(tmp_path, capsys):
    for modality, picture in (("mri", PAIRS[0].mri), ("ct", PAIRS[0].luma)):
        (tmp_path / "ct-mri" / "val" / modality).mkdir(parents=True)
        Image.fromarray(picture).save(tmp_path / "ct-mri" / "val" / modality / "1001.png")
    asked = ["--pairs", str(tmp_path), "--networks", "average,maximum", "--device", "cpu"]
    assert research.main(["robustness", *asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["ct-mri"]
    assert list(told) == ["average", "maximum"]
    assert research.main(["robustness", *asked]) == 0
    change = told["average"]["partner 5 px off"]["SSIM"] - told["average"]["none"]["SSIM"]
    line = next(one for one in capsys.readouterr().out.splitlines() if "average | partner 5 px off" in one)
    assert line.endswith(f"{change:+.3f} |")
    assert research.main(["robustness", "--pairs", str(tmp_path), "--networks", "none"]) == 2
    assert "no network and no fused picture" in capsys.readouterr().err
    assert research.main(["robustness", "--pairs", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
