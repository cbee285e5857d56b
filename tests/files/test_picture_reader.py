"""Plain pictures: grey and colour, without millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app.base.errors import AppError
from app.files import readers

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.mark.parametrize("name", ["p.png", "p.bmp", "p.tif", "p.tiff"])
def test_a_grey_picture_keeps_its_values_and_claims_no_millimetres(tmp_path, name):
    Image.fromarray(GREY).save(tmp_path / name)
    (series,) = readers.scan([tmp_path / name]).series
    assert (series.size, series.spacing_mm, series.orientation) == ((4, 3, 1), None, "")
    volume = readers.read(series)
    np.testing.assert_array_equal(volume.values(0), GREY)
    assert not volume.geometry.in_mm
    assert volume.rgb is None


def test_a_colour_picture_keeps_its_colours_and_is_valued_by_rounded_luma(tmp_path):
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    Image.fromarray(rgb).save(tmp_path / "p.png")
    (series,) = readers.scan([tmp_path]).series
    volume = readers.read(series)
    np.testing.assert_array_equal(volume.stored[0, 0], [76, 150, 29])  # 0.299, 0.587, 0.114 of 255
    np.testing.assert_array_equal(volume.rgb[0], rgb)


def test_equal_channels_are_grey(tmp_path):
    Image.fromarray(np.stack([GREY] * 3, axis=-1)).save(tmp_path / "p.png")
    (series,) = readers.scan([tmp_path]).series
    volume = readers.read(series)
    assert volume.rgb is None
    np.testing.assert_array_equal(volume.stored[0], GREY)


def test_16_bits_are_kept(tmp_path):
    deep = GREY.astype(np.uint16) * 250
    Image.fromarray(deep).save(tmp_path / "p.png")
    (series,) = readers.scan([tmp_path]).series
    np.testing.assert_array_equal(readers.read(series).values(0), deep)


def test_a_jpeg_is_read(tmp_path):
    Image.fromarray(np.full((16, 16), 77, np.uint8)).save(tmp_path / "p.jpg", quality=95)
    (series,) = readers.scan([tmp_path]).series
    assert np.abs(readers.read(series).values(0) - 77).max() <= 1


def test_pages_are_not_guessed_at(tmp_path):
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    pages[0].save(tmp_path / "p.tif", save_all=True, append_images=pages[1:])
    (series,) = readers.scan([tmp_path]).series
    with pytest.raises(AppError, match="2 pages"):
        readers.read(series)


def test_a_cut_picture_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "p.png")
    (tmp_path / "p.png").write_bytes((tmp_path / "p.png").read_bytes()[:900])
    (series,) = readers.scan([tmp_path]).series
    with pytest.raises(AppError, match="cut short"):
        readers.read(series)


def test_a_picture_of_impossible_size_is_refused_before_it_is_decoded(tmp_path):
    raw = bytearray(b"BM" + bytes(12) + (40).to_bytes(4, "little") + (1 << 20).to_bytes(4, "little") * 2)
    raw += (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + bytes(24 + 1024)
    (tmp_path / "p.bmp").write_bytes(raw)
    scan = readers.scan([tmp_path])
    assert scan.series == ()
    assert len(scan.skipped) == 1
