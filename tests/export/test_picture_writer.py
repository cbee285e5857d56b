"""PNG and TIFF: pixels, turning, square pixels, physical size, hatching and text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app import export
from app.core.geometry import Geometry
from app.core.palettes import palette, put_chroma
from app.core.values import luma_chroma, to_unit
from app.export.colour import OWN_COLOURS, colouring, hatch
from app.export.lettering import BannerRoomError, banner, font, wrapped
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
    for form, name in (("png", "fused_0001.png"), ("tiff", "fused_0001.tif")):
        export.write(stack, tmp_path, formats=(form,), switches=("plain",), slices=(1,))
        picture = read(tmp_path / name)
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), np.rint(stack.fused[1] * 255))


@pytest.mark.parametrize("name", ["Hot Iron", "PET", "Cividis"])
def test_a_bare_pet_slice_has_the_palette_s_chroma_on_the_fused_luma(tmp_path, name):
    stack = covered(oblique((40, 30, 3), (1, 1, 2), 0.0))
    export.write(stack, tmp_path, **PLAIN, slices=(1,), palette=name)
    rgb = np.asarray(read(tmp_path / "fused_0001.png"))
    unit = to_unit(stack.aligned.values[1], stack.request.partner_window)
    np.testing.assert_array_equal(rgb, put_chroma(stack.fused[1], unit, palette(name)))
    np.testing.assert_allclose(luma_chroma(rgb)[0], stack.fused[1], atol=1.01 / 255)


def test_palettes_follow_the_partner_unless_named(pet):
    assert colouring(pet).name == "Hot Iron"
    assert colouring(covered(oblique(), "CT")).grey
    assert colouring(pet, "Grey").grey
    assert colouring(pet, "PET 20 Step").name == "PET 20 Step"


def test_pixels_are_square_and_their_size_is_in_the_file(pet, tmp_path):
    for form, name in (("png", "fused_0002.png"), ("tiff", "fused_0002.tif")):
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
    shown = np.asarray(read(tmp_path / "fused_0001.png"))
    np.testing.assert_array_equal(shown, np.rint(stack.fused[1] * 255)[::-1, ::-1])


def test_outside_the_common_field_of_view_is_hatched_never_black_alone(pet, tmp_path):
    export.write(pet, tmp_path, **PLAIN, palette="Grey", slices=(2,))
    shown = np.asarray(read(tmp_path / "fused_0002.png"))
    outside = shown[:, :6]  # the partner begins 9 mm further left
    assert not pet.aligned.inside[2][:, :6].any()
    assert set(np.unique(outside)) == {0, 96}
    assert 0.1 < (outside == 96).mean() < 0.15  # every eighth diagonal


def test_hatching_touches_nothing_inside():
    pixels = np.full((20, 30), 7, np.uint8)
    inside = np.zeros((20, 30), bool)
    inside[5:15, 5:25] = True
    hatch(pixels, inside, 96)
    assert (pixels[inside] == 7).all()
    assert set(np.unique(pixels[~inside])) == {0, 96}


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
    assert "axial slice 1 of 0-2, S" in wide.info["Description"]
    amber = (np.asarray(narrow) == (255, 190, 60)).all(-1)
    assert amber[-60:].sum() > 200  # the notice, below the slice
    assert not amber[:-60].any()


def test_a_pair_of_plain_pictures_claims_no_millimetres(tmp_path):
    stack = covered(Geometry((64, 48, 1), np.eye(4), in_mm=False), "")
    for form, name in (("png", "fused_0000.png"), ("tiff", "fused_0000.tif")):
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
    shown = np.asarray(read(tmp_path / "fused_0000.png")).astype(int)
    assert np.abs(shown - rgb[0]).max() <= 1  # the same luma and the same chroma give the same colour


def test_lines_are_broken_between_words_only():
    face = font(12)
    lines = wrapped("one two three four", face, int(face.getlength("one two")) + 1)
    assert " ".join(lines) == "one two three four"
    assert all(face.getlength(line) <= face.getlength("one two") + 1 for line in lines if " " in line)


@pytest.mark.parametrize(("rows", "columns"), [(512, 512), (256, 256), (128, 128), (64, 64), (80, 300)])
def test_a_banner_fits_into_the_slice_and_covers_little(rows, columns):
    letters, rim = banner(rows, columns, ("FUSED, header-aligned", "NOT FOR DIAGNOSTIC USE"))
    assert letters.shape == rim.shape == (rows, columns)
    assert rim[letters > 0].all()
    assert not rim[: int(rows * (0.6 if columns > 64 else 0.4))].any()
    assert (letters > 128).sum() > 100
    assert not letters[:, 0].any()
    assert not letters[:, -1].any()


def test_a_slice_too_small_for_the_notice_is_refused():
    with pytest.raises(BannerRoomError, match="20 x 20"):
        banner(20, 20, ("FUSED, unverified", "NOT FOR DIAGNOSTIC USE"))
