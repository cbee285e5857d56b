"""Exported pixels are those of the window's fused pane at 100 % fusion, for every kind of pair and palette."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app import export
from app.case.document import Case
from app.core.geometry import Geometry
from app.export.colour import OWN_COLOURS, colouring
from app.view.colours import rgb
from app.view.compose import compose
from app.view.state import ViewState, at_slice
from tests.export.studies import blob, stack_of, volume
from tests.scenes import shown

TURNED = Geometry((40, 30, 3), np.diag([-1.0, -1, 2, 1]))  # stored half a turn round, so that every flip shows
PICTURE = Geometry((40, 30, 1), np.eye(4), in_mm=False)
UNCOVERED = np.arange(40) < 9


def patient(modality, *, covered=True):
    mri = volume(TURNED, "MR", "a.u.", np.rint(blob(TURNED, TURNED.centre_mm, 12, 700)).astype(np.uint16))
    unit = "HU" if modality == "CT" else "SUVbw"
    partner = volume(TURNED, modality, unit, np.rint(blob(TURNED, TURNED.centre_mm - 4, 6, 9)).astype(np.uint16))
    return stack_of(mri, partner, inside=np.broadcast_to(covered | ~UNCOVERED, TURNED.shape).copy())


def pictures(*, visible_first=False, shifted=False):
    draw = np.random.default_rng(0)
    colour = draw.integers(0, 256, (1, 30, 40, 3), dtype=np.uint8)
    affine = np.eye(4)
    affine[0, 3] = 0.5 * shifted
    grey = draw.integers(0, 256, (1, 30, 40), dtype=np.uint8)
    other = Geometry((40, 30, 1), affine, in_mm=False)
    first = volume(PICTURE, "XC" if visible_first else "", "unknown", grey, rgb=colour if visible_first else None)
    second = volume(other, "TG" if visible_first else "", "unknown", grey, rgb=None if visible_first else colour)
    return stack_of(first, second)


STACKS = {
    "CT": lambda: patient("CT"),
    "PET": lambda: patient("PT"),
    "hatched": lambda: patient("PT", covered=False),
    "colour picture": pictures,
    "visible picture": lambda: pictures(visible_first=True),
    "shifted colour picture": lambda: pictures(shifted=True),
}


def pane(stack, name, k):
    """The fused pane of the window, as its reader sees it."""
    aligned = stack.aligned
    case = Case().having(mri=aligned.mri, partner=aligned.partner)
    case = case.having(registration=aligned.registration, aligned=aligned).having(stack=stack)
    case = shown(case, palette=name)
    state = ViewState(fusion=1.0, overlay=0.3)
    picture = compose(ViewState(**{**vars(state), **at_slice(state, aligned.mri.geometry, k)}), case, "fused")
    return rgb(picture.pixels)


@pytest.mark.parametrize("name", ["Grey", "Hot Iron", "PET 20 Step"])
@pytest.mark.parametrize("kind", STACKS)
def test_a_plain_png_has_the_pixels_of_the_fused_pane(tmp_path, kind, name):
    stack = STACKS[kind]()
    paths = export.write(stack, tmp_path, formats=("png",), switches=("plain",), palette=name)
    for k, path in enumerate(paths):
        with Image.open(path) as picture:
            assert picture.mode == ("L" if name == "Grey" and "picture" not in kind else "RGB")
            np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), pane(stack, name, k))


def test_without_a_name_the_palette_is_the_one_that_suits_the_partner(tmp_path):
    for stack, name in ((patient("PT"), "Hot Iron"), (patient("CT"), "Grey")):
        np.testing.assert_array_equal(rgb(colouring(stack).picture(1).pixels), pane(stack, name, 1))
    assert colouring(pictures(), "Hot Iron").name == OWN_COLOURS
    assert colouring(patient("CT")).name is None
    assert colouring(patient("CT"), "PET").name == "PET"


def test_the_readers_windows_are_those_of_the_export():
    stack = patient("PT", covered=False)
    case = colouring(stack).case
    seen = case.with_layer(case.base_uid, window=(100.0, 50.0))
    usual, chosen = colouring(stack).shown(1), colouring(stack, "Hot Iron", seen).shown(1)
    beneath = UNCOVERED[::-1]  # the lines lie on the MRI, stored half a turn round
    assert (usual[:, beneath] != chosen[:, beneath]).any()
    np.testing.assert_array_equal(usual[:, ~beneath], chosen[:, ~beneath])  # a fusion has its own window


def test_a_case_of_another_pair_is_refused():
    stack, other = patient("PT"), colouring(patient("CT")).case
    with pytest.raises(ValueError, match="another pair"):
        colouring(stack, None, other)


def test_stored_pixels_are_the_shown_ones_turned_back():
    coloured = colouring(patient("PT", covered=False))
    np.testing.assert_array_equal(coloured.stored(1)[::-1, ::-1], coloured.shown(1))


def test_pixels_without_lines_are_black_where_the_partner_has_no_data():
    coloured = colouring(patient("PT", covered=False))
    plain = coloured.plain_rgb(1)
    assert (plain[:, UNCOVERED] == 0).all()
    np.testing.assert_array_equal(plain[:, ~UNCOVERED], coloured.stored(1)[:, ~UNCOVERED])


def test_a_shifted_colour_picture_lends_its_colours_where_it_lies():
    """Half a pixel to the right: between two columns stands the mean of their chroma."""
    stack = pictures(shifted=True)
    red, green, blue = (stack.aligned.partner.rgb[0, ..., channel].astype(float) for channel in range(3))
    chroma = (blue - (0.299 * red + 0.587 * green + 0.114 * blue)) / 1.772
    expected = (chroma[:, 9] + chroma[:, 10]) / 2
    shown = colouring(stack).plain_rgb(0)[:, 10].astype(float)
    luma = np.floor(stack.fused[0, :, 10] * 255 + 0.5)
    unclipped = ((shown > 0) & (shown < 255)).all(-1)
    assert unclipped.sum() > 5
    np.testing.assert_allclose((shown[:, 2] - luma)[unclipped] / 1.772, expected[unclipped], atol=0.6)
