"""The way from one series to another, by headers and by links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.links import End, Link, linked, own_link, way
from app.core.transforms import inverse, rigid
from app.registration.verdict import Verdict
from tests.scenes import registered

MRI, PET, CT, OLD = End("mri", "1"), End("pet", "2"), End("ct", "2"), End("old mri", "3")
A, B = rigid((0, 0, 30), (5, 0, 0)), rigid((20, 0, 0), (0, 7, 1))  # they do not commute


def link(fixed, moving, matrix=A, verdict="unverified", error_mm=None):
    return Link(fixed, moving, replace(registered(matrix, verdict), error_mm=error_mm))


def test_headers_alone_lead_within_a_frame_and_no_further():
    found = way((), CT, PET)
    np.testing.assert_array_equal(found.fixed_to_moving, np.eye(4))
    assert (found.verdict, found.links, found.error_mm) == (Verdict.HEADER_ALIGNED, (), None)
    assert way((), MRI, PET) is None
    assert way((), End("a"), End("b")) is None  # two missing frames are not one


def test_a_series_follows_the_link_of_its_frame():
    through_ct = link(MRI, CT, verdict="registered")
    found = way((through_ct,), MRI, PET)
    np.testing.assert_allclose(found.fixed_to_moving, A)
    assert found.verdict is Verdict.HEADER_ALIGNED  # the weakest on the way
    np.testing.assert_allclose(way((through_ct,), PET, MRI).fixed_to_moving, inverse(A))


def test_a_link_within_a_frame_and_one_without_a_frame_are_about_two_series_alone():
    nudged = link(CT, PET, verdict="registered")
    np.testing.assert_array_equal(way((nudged,), CT, PET).fixed_to_moving, A)
    np.testing.assert_array_equal(way((nudged,), CT, End("second ct", "2")).fixed_to_moving, np.eye(4))
    bare = link(MRI, End("bare"))
    assert way((bare,), MRI, End("other bare")) is None
    assert way((bare,), End("second mri", "1"), End("bare")) is not None


def test_the_way_is_the_product_in_its_order_and_its_error_is_composed():
    links = (link(OLD, MRI, B, "registered", 3.0), link(MRI, CT, A, "unverified", 4.0))
    found = way(links, OLD, PET)
    np.testing.assert_allclose(found.fixed_to_moving, A @ B)
    assert found.verdict is Verdict.UNVERIFIED
    assert found.error_mm == pytest.approx(5.0)
    assert found.links == links
    np.testing.assert_allclose(way(links, PET, OLD).fixed_to_moving, inverse(A @ B), atol=1e-12)


def test_the_surest_way_is_taken_and_among_equals_the_newest():
    unsure, sure = link(MRI, CT, A), link(MRI, PET, B, "registered")
    third = End("second ct", "2")
    np.testing.assert_allclose(way((sure, unsure), MRI, third).fixed_to_moving, B)
    newer = link(MRI, PET, B)
    np.testing.assert_allclose(way((unsure, newer), MRI, third).fixed_to_moving, B)
    np.testing.assert_allclose(way((newer, unsure), MRI, third).fixed_to_moving, A)


def test_the_link_made_for_two_wins_for_them_whatever_its_verdict():
    own, other = link(MRI, PET, B), link(MRI, CT, A, "registered")
    np.testing.assert_allclose(way((own, other), MRI, PET).fixed_to_moving, B)


def test_nothing_follows_a_rejected_link():
    rejected = link(MRI, CT, verdict="rejected")
    assert way((rejected,), MRI, PET) is None
    assert way((rejected,), MRI, CT).verdict is Verdict.REJECTED


def test_a_new_link_takes_the_place_of_the_old():
    links = linked(linked((), MRI, PET, registered(A)), MRI, PET, registered(B))
    assert len(links) == 1
    np.testing.assert_array_equal(own_link(links, MRI, PET).registration.fixed_to_moving, B)
    assert own_link(links, PET, MRI) is None
    assert linked(links, MRI, PET, None) == ()
