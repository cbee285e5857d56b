"""An infrared-visible pair from two files to a fused picture: who is who, what is fused, whose colours, which words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from app.base.errors import UsageError
from app.case.pipeline import open_study
from app.case.roles import guess_roles
from app.case.series_choice import pick_series
from app.cli import main
from app.files import readers

VISIBLE = np.broadcast_to(np.array([120, 100, 80], np.uint8), (40, 60, 3)).copy()  # luma 103.7, kept as 104
INFRARED = np.full((40, 60), 50, np.uint8)
INFRARED[:, 30:] = 150


def put(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pair(tmp_path):
    return put(tmp_path / "vis" / "0001.png", VISIBLE), put(tmp_path / "ir" / "0001.png", INFRARED)


def roles(*paths):
    return tuple(one and one.paths[0] for one in guess_roles(open_study(paths).studies))


def test_fusing_keeps_the_visible_pictures_colours(pair, tmp_path, capsys):
    words = ("--network", "maximum", "--format", "png", "--plain", "--out", tmp_path / "out", "--json")
    assert main(["fuse", *map(str, (*pair, *words))]) == 0
    document = json.loads(capsys.readouterr().out)
    with Image.open(document["outputs"][0]) as picture:
        fused, comment = np.asarray(picture), picture.info["Description"]
    # luma 104 where the visible one is brighter, 150 elsewhere; R - Y, G - Y and B - Y are 16.3, -3.7 and -23.7
    assert np.abs(fused[:, :30] - [120.3, 100.3, 80.3]).max() <= 0.5
    assert np.abs(fused[:, 30:] - [166.3, 146.3, 126.3]).max() <= 0.5
    assert comment.startswith("visible + infrared fused: maximum")
    assert "colour: visible, own colours" in comment
    assert "MR" not in comment
    assert sum("taken from the folder's name" in one for one in document["warnings"]) == 2


@pytest.mark.parametrize(
    ("network", "kinds", "told"),
    [
        ("refinefuse-ir-vis", ("vis", "ir"), None),
        ("refinefuse-ir-vis", ("mri", "ct"), "was trained on visible and infrared pictures, never on patients"),
        ("lightfusionnet", ("mri", "ct"), None),
        ("lightfusionnet", ("vis", "ir"), "was trained on heads in MRI, CT, PET and SPECT, never on visible and"),
        ("maximum", ("vis", "ir"), None),
    ],
)
def test_a_network_says_what_it_was_never_shown(tmp_path, capsys, network, kinds, told):
    pictures = (VISIBLE[..., 0], INFRARED)
    paths = [put(tmp_path / kind / "0001.png", one) for kind, one in zip(kinds, pictures, strict=True)]
    words = ("--network", network, "--format", "png", "--plain", "--out", tmp_path / "out", "--json")
    assert main(["fuse", *map(str, (*paths, *words))]) == 0
    warnings = [one for one in json.loads(capsys.readouterr().out)["warnings"] if "never on" in one]
    assert len(warnings) == bool(told)
    assert all(told in one for one in warnings)


def test_an_infrared_picture_in_false_colours_lends_none(pair, tmp_path, capsys):
    put(pair[1], np.dstack([INFRARED, INFRARED // 2, INFRARED // 3]))
    words = ("--network", "maximum", "--format", "png", "--plain", "--out", tmp_path / "out", "--json")
    assert main(["fuse", *map(str, (*pair, *words))]) == 0
    with Image.open(json.loads(capsys.readouterr().out)["outputs"][0]) as picture:
        assert np.abs(np.asarray(picture)[:, :30] - [120.3, 100.3, 80.3]).max() <= 0.5


def test_names_tell_the_two_apart_whatever_their_order(pair, tmp_path):
    visible, infrared = pair
    assert roles(visible, infrared) == roles(infrared, visible) == (visible, infrared)
    by_file = put(tmp_path / "a_thermal.png", INFRARED), put(tmp_path / "b_visible.png", VISIBLE)
    assert roles(*by_file) == (by_file[1], by_file[0])


def test_without_such_names_the_order_given_decides_and_never_the_content(tmp_path):
    first, second = put(tmp_path / "1.png", INFRARED), put(tmp_path / "2.png", VISIBLE)
    assert roles(first, second) == (first, second)
    assert roles(second, first) == (second, first)
    assert "choose its role" in open_study([first]).series[0].warnings[0]


def test_one_name_is_enough(tmp_path):
    visible, other = put(tmp_path / "vis.png", VISIBLE), put(tmp_path / "0001.png", INFRARED)
    assert roles(other, visible) == (visible, other)
    infrared = put(tmp_path / "ir.png", INFRARED)
    assert roles(infrared, other) == (other, infrared)


def test_in_a_folder_of_pairs_pictures_of_one_name_meet(tmp_path):
    for name in ("b", "c"):
        put(tmp_path / "vis" / f"{name}.png", VISIBLE)
    for name in ("a", "b"):
        put(tmp_path / "ir" / f"{name}.png", INFRARED)
    assert roles(tmp_path) == (tmp_path / "vis" / "b.png", tmp_path / "ir" / "b.png")


def test_a_name_that_speaks_of_both_settles_nothing(tmp_path):
    (series,) = readers.scan([put(tmp_path / "vis_and_ir.png", VISIBLE)]).series
    assert series.modality == ""
    assert "infrared and visible" in series.warnings[0]


def test_in_a_volumes_name_ir_stays_inversion_recovery(tmp_path):
    import nibabel as nib

    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), tmp_path / "ir.nii")
    (series,) = readers.scan([tmp_path / "ir.nii"]).series
    assert series.modality == ""


def test_the_infrared_picture_named_first_is_told_and_not_swapped(pair):
    with pytest.raises(UsageError, match="holds infrared, but no series that could be the MRI") as error:
        pick_series(pair[1], None, "--mri-series", role="MRI")
    assert "the visible one first" in error.value.hint
    assert pick_series(pair[0], None, "--mri-series", role="MRI").modality == "XC"
