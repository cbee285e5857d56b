"""What a file says about itself: the place of its slice, its windows, never more than its attribute may hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.values import FusionWindow
from app.export import wording
from app.export.colour import colouring
from tests.export.studies import oblique, volume
from tests.export.test_picture_writer import covered


def test_the_place_of_a_slice_is_its_distance_along_the_patients_axis():
    grid = Geometry((4, 6, 3), np.array([[1.0, 0, 0, 10], [0, 1, 0, 20], [0, 0, 2.5, -4], [0, 0, 0, 1]]))
    stack = covered(grid)
    assert wording.slice_position(stack, 0) == "axial slice 1 of 3, I 4.0 mm"
    assert wording.slice_position(stack, 2) == "axial slice 3 of 3, S 1.0 mm"
    flat = covered(Geometry((4, 6, 1), np.eye(4), in_mm=False), "")
    assert wording.slice_position(flat, 0) == "picture 1 of 1"


def test_a_window_has_the_unit_where_one_is_known():
    pet = volume(oblique(), "PT", "SUVbw", np.zeros((5, 80, 96), np.uint16))
    assert wording.window(pet, FusionWindow(0, 7.5, "SUVbw")) == "PT 0 to 7.5 SUVbw"
    assert wording.window(pet, FusionWindow(0, 7.5, "unknown")) == "PT 0 to 7.5"
    assert wording.window(pet, FusionWindow(0, 7.5, "10⁻⁶ mm²/s")) == "PT 0 to 7.5 10-6 mm2/s"


def test_an_inverted_window_is_said_to_be_one_in_the_derivation():
    stack = covered(oblique())
    turned = replace(stack.request.mri_window, inverted=True)
    told = wording.derivation(replace(stack, request=replace(stack.request, mri_window=turned)), colouring(stack))
    assert "a.u. inverted as its header asks" in told
    assert "inverted" not in wording.derivation(stack, colouring(stack))


@pytest.mark.parametrize("network", ["average", "a-network-with-a-very-long-name-indeed-ü" * 30])
def test_descriptions_fit_into_their_attributes_and_are_ascii(network):
    stack = covered(oblique())
    stack = replace(stack, request=replace(stack.request, network=network))
    short, long = wording.series_description(stack), wording.derivation(stack, colouring(stack))
    assert len(short) <= 64
    assert len(long) <= 1024
    assert short.endswith("unverified NOT FOR DIAGNOSTIC USE")
    assert short.isascii()
    assert long.isascii()


def test_the_derivation_says_what_colour_and_brightness_mean():
    stack = replace(covered(oblique()), weights_sha256="0123456789abcdef" * 4, device="cuda")
    stack = replace(stack, request=replace(stack.request, network="lightfusionnet"))
    text = wording.derivation(stack, colouring(stack, "PET 20 Step"))
    assert "hue and chroma: PT in palette PET 20 Step, grey at the window's low end, most colour at its high" in text
    assert "lightness: fused, drawn towards 0.50 to 0.82 (OKLab) as colour grows" in text
    assert text.endswith("NOT FOR DIAGNOSTIC USE")  # with room to spare: nothing is cut off
    assert "; grey;" in wording.derivation(stack, colouring(stack, "Grey"))
    assert "; grey;" in wording.derivation(stack, None)


def test_a_slice_that_fills_a_gap_says_so():
    stack = covered(oblique())
    marks = np.array([False, True, False, False, False])
    stack = replace(stack, aligned=replace(stack.aligned, mri=replace(stack.aligned.mri, interpolated=marks)))
    lines = [wording.caption(stack, k, None)[1].endswith(", interpolated between slices") for k in range(3)]
    assert lines == [False, True, False]
