"""What one picture tells about another: values found by hand, and regions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.metrics.image_checks import Undefined
from app.metrics.information import entropy, joint_histogram, mutual_information, visual_information_fidelity
from tests.metrics import slow
from tests.metrics.pictures import X, Y, triple, values


def test_visual_fidelity_of_a_rectangle_uses_only_its_whole_windows():
    # On even offsets each scale of the cut picture samples the same pixels as the whole one
    box = (X >= 16) & (X < 96) & (Y >= 0) & (Y < 80)
    cut = [picture[0:80, 16:96] for picture in triple()]
    assert values(*triple(), ["VIFF"], inside=box)["VIFF"] == pytest.approx(values(*cut, ["VIFF"])["VIFF"], rel=1e-12)


def test_41_pixels_are_enough_for_four_scales():
    fused, a, b = (np.random.default_rng(n).integers(0, 256, (41, 41), dtype=np.uint8) for n in range(3))
    assert values(fused, a, b)["VIFF"] == pytest.approx(slow.ALL["VIFF"](*(p.astype(float) for p in (fused, a, b))))


def test_values_found_by_hand():
    fused = np.array([[0.0, 0, 10], [0, 0, 10]])
    a, b = np.array([[0.0, 0, 1], [0, 0, 1]]), np.array([[1.0, 0, 0], [0, 1, 0]])
    assert entropy(fused) == pytest.approx(math.log2(3) - 2 / 3)  # shares 2/3 and 1/3
    # a tells all about it: ln 3 - 2/3 ln 2 nats. b = 1 at two of the four places where it is 0, 0 elsewhere
    assert mutual_information(fused, a) == pytest.approx(math.log(3) - 2 / 3 * math.log(2))
    of_b = 2 / 6 * math.log(2 * 6 / (4 * 2)) + 2 / 6 * math.log(2 * 6 / (4 * 4)) + 2 / 6 * math.log(2 * 6 / (2 * 4))
    assert mutual_information(fused, b) == pytest.approx(of_b)


def test_a_joint_histogram_holds_the_share_of_each_pair():
    shares = joint_histogram(np.array([[0.0, 0, 255, 7]]), np.array([[1.0, 1, 0, 7]]))
    assert shares.sum() == 1
    assert (shares[0, 1], shares[255, 0], shares[7, 7]) == (0.5, 0.25, 0.25)


def test_all_grey_levels_alike_carry_eight_bits_and_a_constant_none():
    assert entropy(np.arange(256.0).reshape(16, 16)) == 8
    assert math.copysign(1, entropy(np.zeros((4, 4)))) == 1  # 0, not -0
    with pytest.raises(Undefined, match="no pixel"):
        entropy(np.zeros((4, 4)), np.zeros((4, 4), bool))


def test_fidelity_is_one_for_a_copy_less_for_a_dull_one_and_nothing_for_an_inverted_one():
    source = triple()[1].astype(float)
    assert visual_information_fidelity(source, source) == pytest.approx(1)
    dull = np.rint(source / 4)
    assert 0.05 < visual_information_fidelity(source, dull) < 0.9
    assert visual_information_fidelity(source, 255 - source) == pytest.approx(0, abs=1e-6)
    with pytest.raises(Undefined, match="41 x 41"):
        visual_information_fidelity(source[:40], source[:40])
