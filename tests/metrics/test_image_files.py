"""Metrics of picture files: what the command prints, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from app.metrics.catalogue import METRICS
from app.metrics.image_checks import ImageShapeError
from app.metrics.image_files import PictureFileError, metrics_of_files
from tests.metrics.test_catalogue import TRIPLES, scene, values


@pytest.fixture
def saved(tmp_path):
    def save(name, pixels, mode=None, **options):
        picture = Image.fromarray(pixels)
        (picture.convert(mode) if mode else picture).save(tmp_path / name, **options)
        return tmp_path / name

    return save


def test_files_give_what_their_arrays_give(saved):
    paths = [saved(f"{n}.png", picture) for n, picture in enumerate(TRIPLES["maximum"])]
    measures = metrics_of_files(*paths)
    assert measures == values(*TRIPLES["maximum"])
    assert list(json.loads(json.dumps(measures, allow_nan=False))) == [metric.name for metric in METRICS]


@pytest.mark.parametrize(
    ("name", "mode"), [("f.png", "RGB"), ("f.bmp", None), ("f.tif", None), ("f.png", "RGBA"), ("f.png", "LA")]
)
def test_grey_written_in_other_ways_is_the_same_picture(saved, name, mode):
    fused, a, b = TRIPLES["average"]
    paths = saved(name, fused, mode), saved("a.png", a), saved("b.png", b)
    assert metrics_of_files(*paths)["EN"] == values(fused, a, b)["EN"]


def test_colour_is_measured_as_luma(saved):
    rgb = np.stack([scene(n) for n in (1, 2, 3)], -1)
    _, a, b = TRIPLES["average"]
    assert metrics_of_files(saved("f.png", rgb), saved("a.png", a), saved("b.png", b)) == values(rgb, a, b)


def test_a_palette_picture_is_read_as_its_colours(saved):
    _, a, b = TRIPLES["average"]
    indexed = Image.fromarray(np.stack([a // 64 * 64] * 3, -1)).quantize(8)
    path = saved("a.png", a).with_name("p.png")
    indexed.save(path)
    expected = values(np.asarray(indexed.convert("RGB")), a, b)
    assert metrics_of_files(path, saved("a.png", a), saved("b.png", b)) == expected


def test_what_is_undefined_becomes_null_and_a_note(saved):
    flat = saved("flat.png", np.zeros((64, 64), np.uint8))
    notes = []
    measures = metrics_of_files(flat, flat, flat, note=notes.append)
    assert measures["CC"] is None
    assert measures["EN"] == 0
    assert any(note.startswith("CC is undefined: ") for note in notes)


def test_sizes_that_differ_are_refused(saved):
    small, large = saved("s.png", np.zeros((9, 9), np.uint8)), saved("l.png", np.zeros((9, 10), np.uint8))
    with pytest.raises(ImageShapeError, match=r"(10 x 9 and 9 x 9|9 x 9 and 10 x 9)"):
        metrics_of_files(small, small, large)


def test_sixteen_bits_are_refused(saved):
    good, deep = saved("g.png", np.zeros((9, 9), np.uint8)), saved("d.png", np.full((9, 9), 4095, np.uint16))
    with pytest.raises(PictureFileError, match=r"d\.png .* 8 bits"):
        metrics_of_files(good, deep, good)


def test_float_pictures_are_refused(saved):
    good, real = saved("g.png", np.zeros((9, 9), np.uint8)), saved("r.tif", np.zeros((9, 9), np.float32))
    with pytest.raises(PictureFileError, match="8 bits"):
        metrics_of_files(real, good, good)


def test_transparent_pictures_are_refused(saved):
    good, clear = saved("g.png", np.zeros((9, 9), np.uint8)), saved("t.png", np.zeros((9, 9, 4), np.uint8))
    with pytest.raises(PictureFileError, match="transparent"):
        metrics_of_files(good, good, clear)


def test_missing_broken_and_foreign_files_are_refused(saved, tmp_path):
    good = saved("g.png", TRIPLES["average"][0])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:700])
    sentences = {"none.png": "does not exist", "text.png": "not a picture", "cut.png": "cannot be read"}
    for name, sentence in sentences.items():
        with pytest.raises(PictureFileError, match=sentence):
            metrics_of_files(good, tmp_path / name, good)


def test_a_file_with_several_pictures_is_refused(saved, tmp_path):
    good = saved("g.png", np.zeros((9, 9), np.uint8))
    first, second = (Image.fromarray(np.full((9, 9), n, np.uint8)) for n in (1, 2))
    first.save(tmp_path / "two.tif", save_all=True, append_images=[second])
    with pytest.raises(PictureFileError, match="2 pictures"):
        metrics_of_files(tmp_path / "two.tif", good, good)
