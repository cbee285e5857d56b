"""The lesion test on pictures where the answers are known, and against a slow version of its definition."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from app.base.progress import Cancelled
from app.fusion import registry, weights
from app.research import __main__ as research
from app.research.evaluation import lesions
from app.research.pairs import Pair
from tests.research import made_up
from tests.research.evaluation.slow_spots import slow_cnr


def shaded(seed: int, bright: float, noise: float = 3) -> np.ndarray:
    """A head of 160 x 160 pixels: broad shading, spots, a little noise, and air around it."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    shading = ndimage.gaussian_filter(draw.standard_normal((160, 160)), 12)
    spots = np.zeros((160, 160))
    spots[*draw.integers(30, 130, (2, 12))] = draw.choice([-70, 70], 12) * noise
    values = (
        bright + 25 * shading / shading.std() + ndimage.gaussian_filter(spots, 1.3) + draw.normal(0, noise, y.shape)
    )
    return np.where(y**2 + x**2 < 0.9, values, 0).clip(0, 255).round().astype(np.uint8)


PAIRS = [
    Pair("ct-mri", "1001", shaded(1, 120), shaded(2, 140)),
    Pair("pet-mri", "2001", shaded(3, 130), shaded(4, 130)),
]
NOISY = Pair("ct-mri", "1002", shaded(5, 120, noise=12), shaded(6, 120, noise=12))  # no lesion shows: spots alone


def test_a_planted_lesion_is_a_tenth_of_its_surroundings_and_three_pixels_wide():
    flat = np.full((31, 31), 0.4)
    dark = lesions.Place(15, 15, 1, -1, "darker", "quiet")
    mri, partner = lesions.changed([flat, flat], [dark])
    assert (mri == flat).all()
    assert partner[15, 15] == pytest.approx(0.4 - 0.04)
    profile = 0.4 - partner[15]
    assert np.interp(1.5, [1, 2], np.log(profile[16:18])) == pytest.approx(np.log(0.02), abs=0.08)
    assert profile[13] == pytest.approx(0.04 * 0.5 ** (4 / 2.25))
    assert (flat == 0.4).all()


def test_places_are_empty_apart_and_drawn_by_the_seed():
    sources = [one / 255 for one in (PAIRS[0].mri, PAIRS[0].luma)]
    places = lesions.choose(sources, np.random.default_rng(5))
    assert places == lesions.choose(sources, np.random.default_rng(5))
    assert places != lesions.choose(sources, np.random.default_rng(6))
    assert {(one.source, one.sign) for one in places if not one.natural} == {(0, 1), (0, -1), (1, 1), (1, -1)}
    assert {one.brightness for one in places if not one.natural} == {"brighter", "darker"}
    for number, one in enumerate(places):
        assert all(np.hypot(one.y - two.y, one.x - two.x) >= 24 for two in places[:number])
        found = [slow_cnr(source, one.y, one.x)[1] for source in sources]
        assert abs(found[1 - one.source]) < 0.5
        assert abs(found[one.source]) >= 1 if one.natural else abs(found[one.source]) < 0.5


def test_a_deleted_spot_is_gone_and_its_surroundings_stay():
    sources = [one / 255 for one in (NOISY.mri, NOISY.luma)]
    natural = [one for one in lesions.choose(sources, np.random.default_rng(0)) if one.natural]
    after = lesions.changed(sources, natural)
    left = [abs(slow_cnr(after[one.source], one.y, one.x)[1]) for one in natural]
    assert len(left) >= 4
    assert max(left) < 0.5
    y, x = np.mgrid[:160, :160]
    near = np.min([np.hypot(y - one.y, x - one.x) for one in natural], axis=0)
    for was, now in zip(sources, after, strict=True):
        np.testing.assert_array_equal(now[near > 5], was[near > 5])


FUSERS = {
    "mean": lambda mri, partner: (mri + partner) / 2,
    "mri": lambda mri, partner: mri,
    "inverted": lambda mri, partner: 1 - (mri + partner) / 2,
    "grey": lambda mri, partner: np.full_like(mri, 0.5),
}


@pytest.fixture(scope="module")
def told():
    return lesions.summary(lesions.examine(PAIRS, FUSERS))


@pytest.mark.parametrize("task", ["ct-mri", "pet-mri"])
def test_who_keeps_what_is_known(told, task):
    table = told[task]
    assert set(table) == {"maximum", *FUSERS}
    planted = table["mean"]["fair"]["planted"]
    assert planted == table["mean"]["mri"]["planted"] + table["mean"]["partner"]["planted"] > 4
    assert table["mean"]["fair"]["kept"] == planted  # noise of equal strength: 1 / sqrt(2) of the CNR
    assert table["grey"]["fair"]["kept"] == table["inverted"]["fair"]["kept"] == 0
    assert table["mri"]["mri"]["kept"] == table["mri"]["mri"]["planted"] > 0
    assert table["mri"]["partner"]["kept"] == 0
    lost = table["maximum"]["fair"]
    assert lost["lost_by_maximum"] == lost["planted"] - lost["kept"] > 0
    assert lost["kept_of_these"] == 0
    assert table["mean"]["fair"]["kept_of_these"] == lost["lost_by_maximum"]
    assert table["mean"]["mri"]["contrast"] == pytest.approx(0.5)
    assert table["mean"]["invented"] == table["grey"]["invented"] == table["mri"]["invented"] == 0


def test_what_is_shown_although_it_was_deleted_is_invented():
    memory = NOISY.mri / 255
    outcomes = lesions.examine([NOISY], {"stale": lambda mri, partner: memory})
    of_mri = [one for one in outcomes.deleted if one.place.natural and one.place.source == 0]
    of_partner = [one for one in outcomes.deleted if one.place.source == 1]
    assert len(of_mri) >= 2
    assert all(one.invented_by("stale") for one in of_mri)
    assert not any(one.invented_by("stale") for one in of_partner)


def folder_of(pairs, folder):
    for pair in pairs:
        for modality, picture in zip(("mri", pair.task.split("-")[0]), (pair.mri, pair.luma), strict=True):
            (folder / pair.task / "val" / modality).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / pair.task / "val" / modality / f"{pair.name}.png")


def test_cancelling_leaves_a_network_between_its_steps():
    fuse = made_up.CountedMaximum()

    def progress(fraction: float, message: str = "") -> None:
        if fuse.calls:
            raise Cancelled

    with pytest.raises(Cancelled):
        lesions.examine(PAIRS[:1], {"a": fuse}, progress=progress)
    assert fuse.calls == 1


def test_the_command_measures_unpublished_weights_too(tmp_path, capsys):
    folder_of(PAIRS[:1], tmp_path)
    made = tmp_path / "made.safetensors"
    weights.save(registry.build("lightfusionnet", width=8), made, {"width": 8})
    asked = ["--pairs", str(tmp_path), "--networks", "average", "--weights", f"lightfusionnet={made}"]
    assert research.main(["lesions", *asked, "--json", "--device", "cpu"]) == 0
    table = json.loads(capsys.readouterr().out)["ct-mri"]
    assert list(table) == ["maximum", "average", "lightfusionnet"]
    assert table["average"]["fair"]["kept"] == table["average"]["fair"]["planted"] > 0
    assert research.main(["lesions", *asked, "--per-task", "1", "--device", "cpu"]) == 0
    assert "\n| average |" in capsys.readouterr().out


def test_pairs_with_no_place_for_a_lesion_are_refused(tmp_path, capsys):
    folder_of([replace(PAIRS[0], mri=np.zeros((16, 16), np.uint8), luma=np.zeros((16, 16), np.uint8))], tmp_path)
    assert research.main(["lesions", "--pairs", str(tmp_path), "--networks", "average"]) == 2
    assert "is there a place to plant or delete a lesion" in capsys.readouterr().err


def test_no_network_is_nothing_to_measure(tmp_path, capsys):
    folder_of(PAIRS[:1], tmp_path)
    assert research.main(["lesions", "--pairs", str(tmp_path), "--networks", "none"]) == 2
    assert "no network and no fused picture" in capsys.readouterr().err


def test_a_weights_file_that_is_not_there_is_said_in_a_sentence(tmp_path, capsys):
    folder_of(PAIRS[:1], tmp_path)
    assert research.main(["lesions", "--pairs", str(tmp_path), "--weights", "average=nowhere"]) == 2
    assert "average=nowhere" in capsys.readouterr().err
