import numpy as np
import pytest
import SimpleITK as sitk

from app.core.geometry import transform_points
from app.core.transforms import (
    euler,
    inverse,
    nudged_matrix,
    rigid,
    rotation_angle_deg,
)

CENTRE = (12.0, -30.0, 44.0)
POINTS = np.array([[0.0, 0, 0], [100, -80, 60], [-37, 55, -91]])


def test_rigid_is_the_euler_transform_of_itk():
    ours = rigid((11, -7, 23), (4, 5, -6), CENTRE)
    theirs = sitk.Euler3DTransform(CENTRE, *np.deg2rad([11.0, -7.0, 23.0]).tolist(), (4.0, 5.0, -6.0))
    expected = [theirs.TransformPoint(p.tolist()) for p in POINTS]
    np.testing.assert_allclose(transform_points(ours, POINTS), expected, atol=1e-10)


def test_a_quarter_turn_about_z_takes_left_to_posterior():
    # right-handed: x (left) turns toward y (posterior)
    np.testing.assert_allclose(transform_points(rigid((0, 0, 90), (0, 0, 0)), [1.0, 0, 0]), [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize("angles", [(11, -7, 23), (0, 0, 0), (90, 20, 0), (-90, 0, 35), (5, 170, -179)])
def test_euler_inverts_rigid(angles):
    matrix = rigid(angles, (4, 5, -6), CENTRE)
    np.testing.assert_allclose(rigid(*euler(matrix, CENTRE), CENTRE), matrix, atol=1e-10)


def test_the_rotation_angle_is_that_of_the_single_rotation():
    assert rotation_angle_deg(rigid((0, 33, 0), (9, 9, 9))) == pytest.approx(33)
    # two quarter turns about different axes are one third of a turn about the diagonal
    assert rotation_angle_deg(rigid((90, 0, 90), (0, 0, 0))) == pytest.approx(120)
    assert rotation_angle_deg(rigid((0, 180, 0), (0, 0, 0))) == pytest.approx(180)


def test_a_nudge_moves_the_shown_partner_the_way_the_arrow_says():
    # what lies at the point m of the partner is shown where T p = m; a nudge of +5 mm to the left shows it at p + 5
    start = rigid((10, -20, 30), (3, 4, 5), CENTRE)
    shown_before = transform_points(inverse(start), POINTS)
    after = nudged_matrix(start, translation_mm=(5, 0, 0))
    np.testing.assert_allclose(transform_points(inverse(after), POINTS), shown_before + np.array([5, 0, 0]), atol=1e-9)


def test_a_rotating_nudge_turns_the_shown_partner_about_the_centre():
    start = rigid((10, -20, 30), (3, 4, 5))
    after = nudged_matrix(start, rotation_deg=(0, 0, 90), centre_mm=CENTRE)
    shown = transform_points(inverse(start), POINTS) - CENTRE
    turned = np.stack([-shown[:, 1], shown[:, 0], shown[:, 2]], axis=1) + CENTRE
    np.testing.assert_allclose(transform_points(inverse(after), POINTS), turned, atol=1e-9)
