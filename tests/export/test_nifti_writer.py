"""NIfTI as other programs read it: values, colours and the MRI's geometry."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from app import export
from app.core.geometry import Geometry
from app.export.colour import colouring
from app.export.nifti_writer import UnevenSlicesError
from tests.export.studies import oblique, study
from tests.export.test_picture_writer import covered


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return study(tmp_path_factory.mktemp("pair"))


def same_place(image: sitk.Image, grid: Geometry, tolerance=1e-4) -> None:
    assert image.GetSize() == grid.size
    for index in ((0, 0, 0), tuple(n - 1 for n in grid.size), (grid.size[0] - 1, 0, 0)):
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), grid.to_lps(index), atol=tolerance)


def test_values_colours_and_geometry_in_nibabel_and_simpleitk(pair, tmp_path):
    luma, rgb = export.write(pair, tmp_path)
    grid = pair.aligned.mri.geometry
    image, colour = nibabel.load(luma), nibabel.load(rgb)
    np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), pair.fused)
    assert image.get_data_dtype() == np.float32
    as_rgb = np.asarray(colour.dataobj)
    for k in range(5):
        expected = colouring(pair).plain_rgb(k)
        for channel, name in enumerate("RGB"):
            np.testing.assert_array_equal(as_rgb[name][:, :, k].T, expected[..., channel])
    for one in (image, colour):
        np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ one.affine, grid.affine, atol=1e-4)
        np.testing.assert_allclose(one.get_qform(), one.get_sform(), atol=1e-4)
        assert int(one.header["qform_code"]) == int(one.header["sform_code"]) == 1
        assert one.header.get_xyzt_units()[0] == "mm"
        assert str(one.header["descrip"].astype(str)).endswith("lightfusionnet unverified NOT FOR DIAGNOSTIC USE")
    for path in (luma, rgb):
        same_place(sitk.ReadImage(str(path)), grid)
    read = sitk.GetArrayFromImage(sitk.ReadImage(str(luma)))
    np.testing.assert_array_equal(read, pair.fused)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(rgb)))[2], colouring(pair).plain_rgb(2))


def test_outside_the_common_field_of_view_is_zero(pair, tmp_path):
    image = nibabel.load(export.write(pair, tmp_path)[0])
    assert (np.asarray(image.dataobj).transpose(2, 1, 0)[~pair.aligned.inside] == 0).all()


@pytest.mark.parametrize("slices", [(3,), (1, 2, 3), (0, 2, 4)])
def test_some_slices_lie_where_they_lay(pair, tmp_path, slices):
    image = sitk.ReadImage(str(export.write(pair, tmp_path, slices=slices)[0]))
    for number, k in enumerate(slices):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image)[number], pair.fused[k])
        place = pair.aligned.mri.geometry.to_lps((7, 5, k))
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((7, 5, number)), place, atol=1e-4)


def test_slices_at_uneven_distances_are_refused(pair, tmp_path):
    with pytest.raises(UnevenSlicesError):
        export.write(pair, tmp_path / "x", slices=(0, 1, 3))
    assert not (tmp_path / "x").exists()


def test_a_left_handed_grid_keeps_its_sides(tmp_path):
    grid = Geometry((20, 16, 4), oblique((20, 16, 4)).affine @ np.diag([-1.0, 1, 1, 1]))
    for path in export.write(covered(grid, "CT"), tmp_path):
        same_place(sitk.ReadImage(str(path)), grid)
        np.testing.assert_allclose(nibabel.load(path).get_qform(), nibabel.load(path).get_sform(), atol=1e-4)


def test_a_sheared_grid_is_given_by_the_sform_alone(tmp_path):
    affine = np.diag([1.0, 1, 3, 1])
    affine[1, 2] = 1.2  # a tilted gantry
    grid = Geometry((20, 16, 4), affine)
    image = nibabel.load(export.write(covered(grid, "CT"), tmp_path)[0])
    assert int(image.header["qform_code"]) == 0
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ image.affine, affine, atol=1e-5)


def test_plain_pictures_claim_no_place(tmp_path):
    path = export.write(covered(Geometry((20, 16, 1), np.eye(4), in_mm=False), ""), tmp_path)[0]
    header = nibabel.load(path).header
    assert int(header["qform_code"]) == int(header["sform_code"]) == 0
    assert header.get_xyzt_units()[0] == "unknown"


def test_the_same_fusion_gives_the_same_bytes(pair, tmp_path):
    first, second = (export.write(pair, tmp_path / name) for name in "ab")
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert gzip.decompress(first[0].read_bytes())[:4] == (348).to_bytes(4, "little")
