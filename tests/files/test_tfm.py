import numpy as np
import pytest
import SimpleITK as sitk

from app.base.errors import ExportError
from app.core.geometry import transform_points
from app.core.transforms import rigid
from app.files.tfm import TransformFileError, check_target, read_tfm, write_tfm

CENTRE = (12.0, -30.0, 44.0)
POINTS = np.array([[0.0, 0, 0], [100, -80, 60], [-37, 55, -91]])


def test_a_written_file_comes_back_exactly_and_simpleitk_reads_the_same(tmp_path):
    matrix = rigid((11, -7, 23), (4, 5, -6), CENTRE)
    path = tmp_path / "Überlagerung.tfm"
    write_tfm(path, matrix, CENTRE)
    np.testing.assert_allclose(read_tfm(path), matrix, atol=1e-9)
    theirs = sitk.ReadTransform(str(path))
    expected = [theirs.TransformPoint(p.tolist()) for p in POINTS]
    np.testing.assert_allclose(transform_points(matrix, POINTS), expected, atol=1e-9)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_matrix_rounded_by_another_program_is_kept_as_it_is(tmp_path):
    matrix = np.round(rigid((11, -7, 23), (4, 5, -6), CENTRE), 6)
    write_tfm(tmp_path / "t.tfm", matrix, CENTRE)
    np.testing.assert_allclose(read_tfm(tmp_path / "t.tfm"), matrix, atol=1e-9)


def test_a_composite_applies_its_last_part_first(tmp_path):
    first, second = rigid((0, 0, 90), (0, 0, 0)), rigid((0, 40, 0), (10, 0, 0))
    parts = []
    for matrix in (first, second):
        part = sitk.AffineTransform(3)
        part.SetMatrix(matrix[:3, :3].ravel().tolist())
        part.SetTranslation(matrix[:3, 3].tolist())
        parts.append(part)
    sitk.WriteTransform(sitk.CompositeTransform(parts), str(tmp_path / "c.tfm"))
    np.testing.assert_allclose(read_tfm(tmp_path / "c.tfm"), first @ second, atol=1e-9)
    assert np.abs(first @ second - second @ first).max() > 1  # the order matters


KINDS = {
    "euler": sitk.Euler3DTransform(CENTRE, 0.2, -0.3, 0.4, (4.0, 5.0, -6.0)),
    "versor": sitk.VersorTransform((0.6, 0.0, 0.8), 0.7, CENTRE),
    "versor rigid": sitk.VersorRigid3DTransform((0.6, 0.0, 0.8), -2.5, (1.0, 2.0, 3.0), CENTRE),
    "translation": sitk.TranslationTransform(3, (1.0, 2.0, 3.0)),
    "identity": sitk.Transform(3, sitk.sitkIdentity),
    "similarity of scale 1": sitk.Similarity3DTransform(1.0, (0.6, 0.0, 0.8), 0.7, (1.0, 2.0, 3.0), CENTRE),
}
KINDS["euler zyx"] = sitk.Euler3DTransform(KINDS["euler"])
KINDS["euler zyx"].SetComputeZYX(True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_rigid_kind_is_read_as_simpleitk_applies_it(tmp_path, kind):
    sitk.WriteTransform(KINDS[kind], str(tmp_path / "t.tfm"))
    expected = [KINDS[kind].TransformPoint(p.tolist()) for p in POINTS]
    np.testing.assert_allclose(transform_points(read_tfm(tmp_path / "t.tfm"), POINTS), expected, atol=1e-9)


def test_a_composite_of_all_kinds_is_read_as_simpleitk_applies_it(tmp_path):
    composite = sitk.CompositeTransform(list(KINDS.values()))
    sitk.WriteTransform(composite, str(tmp_path / "t.tfm"))
    expected = [composite.TransformPoint(p.tolist()) for p in POINTS]
    np.testing.assert_allclose(transform_points(read_tfm(tmp_path / "t.tfm"), POINTS), expected, atol=1e-9)


def _affine(diagonal):
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(np.diag(diagonal).ravel().tolist())
    return transform


@pytest.mark.parametrize(
    ("transform", "fact"),
    [
        (_affine((1.0, 1.0, 1.1)), "scales or shears"),
        (_affine((1.0, 1.0, 0.0)), "flattens"),
        (_affine((-1.0, 1.0, 1.0)), "mirrors"),
        (sitk.BSplineTransformInitializer(sitk.Image(8, 8, 8, sitk.sitkFloat32), [2, 2, 2]), "deforms"),
        (sitk.CompositeTransform([sitk.Euler3DTransform(), sitk.DisplacementFieldTransform(3)]), "deforms"),
        (sitk.Euler2DTransform(), "3-D"),
    ],
    ids=["scaling", "singular", "mirror", "spline", "displacement", "2-D"],
)
def test_what_is_not_rigid_is_refused_with_its_reason(tmp_path, transform, fact):
    path = tmp_path / "t.tfm"
    sitk.WriteTransform(transform, str(path))
    with pytest.raises(TransformFileError, match=fact) as caught:
        read_tfm(path)
    assert "t.tfm" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 600, b"1 0 0 0\n0 1 0 0\n", b"#Insight Transform File V1.0\nTransform: Nothing_double_3_3\n"],
    ids=["empty", "zeros", "another format", "unknown type"],
)
def test_what_is_no_transform_is_refused(tmp_path, content):
    path = tmp_path / "t.tfm"
    path.write_bytes(content)
    with pytest.raises(TransformFileError, match=r"t\.tfm"):
        read_tfm(path)


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.7, 0.9])
def test_a_file_that_ends_too_early_is_refused(tmp_path, kept):
    path = tmp_path / "t.tfm"
    write_tfm(path, rigid((1, 2, 3), (4, 5, 6)), CENTRE)
    text = path.read_text()
    path.write_text(text[: int(len(text) * kept)])
    with pytest.raises(TransformFileError, match=r"too early|no transform|3-D"):
        read_tfm(path)


@pytest.mark.parametrize("number", ["nan", "inf", "x"])
def test_numbers_that_are_none_are_refused(tmp_path, number):
    path = tmp_path / "t.tfm"
    sitk.WriteTransform(KINDS["euler"], str(path))
    path.write_text(path.read_text().replace("Parameters: 0.2", f"Parameters: {number}"))
    with pytest.raises(TransformFileError, match="number"):
        read_tfm(path)


def test_several_loose_transforms_are_refused(tmp_path):
    path = tmp_path / "t.tfm"
    sitk.WriteTransform(sitk.CompositeTransform([KINDS["euler"], KINDS["versor"]]), str(path))
    lines = path.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("Transform: Composite"))
    path.write_text("\n".join([lines[0], *lines[first + 1 :]]) + "\n")
    with pytest.raises(TransformFileError, match="2 transforms"):
        read_tfm(path)


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(TransformFileError, match=r"gone\.tfm"):
        read_tfm(tmp_path / "gone.tfm")
    with pytest.raises(ExportError, match=r"t\.tfm"):
        write_tfm(tmp_path / "nowhere" / "t.tfm", np.eye(4), CENTRE)


def test_nothing_is_overwritten_without_being_asked_to(tmp_path):
    path = tmp_path / "t.tfm"
    path.write_text("mine")
    with pytest.raises(ExportError, match="exists"):
        write_tfm(path, np.eye(4), CENTRE)
    assert path.read_text() == "mine"
    write_tfm(path, np.eye(4), CENTRE, overwrite=True)
    np.testing.assert_allclose(read_tfm(path), np.eye(4))


def test_an_existing_file_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "t.tfm"
    path.write_text("mine")
    with pytest.raises(ExportError, match="exists already"):
        write_tfm(path, np.eye(4), CENTRE)
    assert path.read_text() == "mine"
    write_tfm(path, rigid((1, 2, 3), (4, 5, 6)), CENTRE, overwrite=True)
    np.testing.assert_allclose(read_tfm(path), rigid((1, 2, 3), (4, 5, 6)), atol=1e-9)


@pytest.mark.parametrize(("name", "fact"), [("t.mat", "tfm or .txt"), ("no/t.tfm", "no folder"), ("d.tfm", "a folder")])
def test_a_place_that_cannot_be_written_is_told_before_the_search(tmp_path, name, fact):
    (tmp_path / "d.tfm").mkdir()
    with pytest.raises(ExportError, match=fact):
        check_target(tmp_path / name, overwrite=True)
