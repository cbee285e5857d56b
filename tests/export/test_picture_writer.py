"""PNG and TIFF: pixels, turning, square pixels, physical size, hatching and text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app import export
from app.core.geometry import Geometry
from app.core.palettes import fused_colours
from app.core.values import to_unit
from app.export.colour import OWN_COLOURS, colouring
from app.view.colours import levels
from app.view.marks import INKS
from app.view.windows import default_window
from tests.export.studies import blob, oblique, stack_of, study, volume

PLAIN = {"formats": ("png",), "switches": ("plain",)}


@pytest.fixture(scope="module")
def pet(tmp_path_factory):
    return study(tmp_path_factory.mktemp("pet"))


def covered(grid, partner="PT", inside=None):
    """A stack whose partner lies on the MRI's own grid."""
    mri = volume(grid, "MR", "a.u.", np.rint(blob(grid, grid.centre_mm, 30, 700)).astype(np.uint16))
    unit = "SUVbw" if partner == "PT" else "HU"
    other = volume(grid, partner, unit, np.rint(blob(grid, grid.centre_mm - [6, 4, 0], 12, 9)).astype(np.uint16))
    return stack_of(mri, other, inside=inside)


def read(path):
    with Image.open(path) as picture:
        picture.load()
    return picture


def test_a_bare_grey_slice_holds_the_fused_values_in_eight_bits(tmp_path):
    stack = covered(oblique((40, 30, 3), (1, 1, 2), 0.0), "CT")
    for form, name in (("png", "PAT-4711_fused_0002.png"), ("tiff", "PAT-4711_fused_0002.tif")):
        export.write(stack, tmp_path, formats=(form,), switches=("plain",), slices=(1,))
        picture = read(tmp_path / name)
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), np.floor(stack.fused[1] * 255 + 0.5))


@pytest.mark.parametrize("name", ["Hot Iron", "PET", "Cividis"])
def test_a_bare_pet_slice_has_the_colours_of_fused_grey_and_uptake(tmp_path, name):
    stack = covered(oblique((40, 30, 3), (1, 1, 2), 0.0))
    export.write(stack, tmp_path, **PLAIN, slices=(1,), palette=name)
    rgb = np.asarray(read(tmp_path / "PAT-4711_fused_0002.png"))
    unit = to_unit(stack.aligned.values[1], stack.request.partner_window)
    luma, scalar = (np.floor(values * 255 + 0.5).astype(int) for values in (stack.fused[1], unit))
    np.testing.assert_array_equal(rgb, fused_colours(name)[luma, scalar])


def test_palettes_follow_the_partner_unless_named(pet):
    assert colouring(pet).name == "Hot Iron"
    assert colouring(covered(oblique(), "CT")).grey
    assert colouring(pet, "Grey").grey
    assert colouring(pet, "PET 20 Step").name == "PET 20 Step"


def test_pixels_are_square_and_their_size_is_in_the_file(pet, tmp_path):
    for form, name in (("png", "PAT-4711_fused_0003.png"), ("tiff", "PAT-4711_fused_0003.tif")):
        for annotate in (False, True):
            export.write(
                pet, tmp_path, formats=(form,), switches=() if annotate else ("plain",), slices=(2,), overwrite=True
            )
            picture = read(tmp_path / name)
            across, down = (float(n) for n in picture.info["dpi"])  # 96 x 0.9 mm by 80 x 1.2 mm
            assert across == pytest.approx(down)
            if not annotate:
                assert picture.size == (96, round(80 * 1.2 / 0.9))
                assert 25.4 / across == pytest.approx(0.9, rel=1e-3)
    assert read(tmp_path / name).tag_v2[296] == 3  # centimetres


def test_the_picture_is_turned_for_the_eye(tmp_path):
    affine = np.diag([-1.0, -1, 2, 1])  # i grows to the right, j to the front: stored half a turn round
    stack = covered(Geometry((40, 30, 3), affine), "CT")
    export.write(stack, tmp_path, **PLAIN, slices=(1,))
    shown = np.asarray(read(tmp_path / "PAT-4711_fused_0002.png"))
    np.testing.assert_array_equal(shown, np.floor(stack.fused[1] * 255 + 0.5)[::-1, ::-1])


def test_outside_the_common_field_of_view_lines_lie_on_the_mri(tmp_path):
    grid = oblique((40, 30, 3), (1, 1, 2), 0.0)
    inside = np.ones(grid.shape, bool)
    inside[:, :, :21] = False
    stack = covered(grid, inside=inside)
    export.write(stack, tmp_path, **PLAIN, palette="Grey", slices=(1,))
    shown = np.asarray(read(tmp_path / "PAT-4711_fused_0002.png"))
    centre, width = default_window(stack.aligned.mri)
    mri = levels(stack.aligned.mri.values(1), (centre, width), linear=True)[:, :21].astype(int)
    row, column = np.indices(mri.shape)
    on_line = (row + column) % 7 == 0
    np.testing.assert_array_equal(shown[:, :21], np.where(on_line, mri // 2 + 0x38, mri))


def test_text_stands_around_the_slice_and_leaves_out_what_is_not_known(tmp_path):
    grid = oblique((64, 64, 3), (1, 1, 2), 0.0)
    with_bar, without = covered(grid), covered(grid, "CT")
    wide, narrow = (read(export.write(one, tmp_path / str(n), formats=("png",), slices=(1,))[0])
                    for n, one in enumerate((with_bar, without)))  # fmt: skip
    assert wide.mode == narrow.mode == "RGB"
    assert wide.width > narrow.width > 640  # the colour bar has its own room
    assert "NOT FOR DIAGNOSTIC USE" in wide.info["Description"]
    assert "alignment: unverified" in wide.info["Description"]
    assert "PT 0 to 10 SUVbw" in wide.info["Description"]
    assert "axial slice 2 of 3, S" in wide.info["Description"]
    amber = (np.asarray(narrow) == INKS["warn"][:3]).all(-1)
    assert amber[-60:].sum() > 200  # the notice, below the slice
    assert amber[:60].sum() > 200  # that nobody has verified the alignment, above it
    assert not amber[60:-60].any()


def test_a_pair_of_plain_pictures_claims_no_millimetres(tmp_path):
    stack = covered(Geometry((64, 48, 1), np.eye(4), in_mm=False), "")
    for form, name in (("png", "PAT-4711_fused_0001.png"), ("tiff", "PAT-4711_fused_0001.tif")):
        export.write(stack, tmp_path, formats=(form,))
        picture = read(tmp_path / name)
        assert "dpi" not in picture.info or picture.info["dpi"] == (1, 1)  # 1: the TIFF tag's default, no unit
        assert "mm" not in picture.info.get("Description", "")


def test_a_colour_picture_keeps_its_own_colours(tmp_path):
    grid = Geometry((64, 48, 1), np.eye(4), in_mm=False)
    rng = np.random.default_rng(0)
    rgb = rng.integers(60, 190, (1, 48, 64, 3), dtype=np.uint8)
    luma = np.rint(rgb @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    mri = volume(grid, "", "unknown", luma)
    stack = stack_of(mri, volume(grid, "", "unknown", luma, rgb=rgb))
    stack = replace(stack, fused=(luma / np.float32(255)).astype(np.float32))
    assert colouring(stack).name == OWN_COLOURS
    export.write(stack, tmp_path, **PLAIN)
    shown = np.asarray(read(tmp_path / "PAT-4711_fused_0001.png")).astype(int)
    assert np.abs(shown - rgb[0]).max() <= 1  # the same luma and the same chroma give the same colour
