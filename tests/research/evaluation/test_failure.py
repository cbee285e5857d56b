"""The planted lesion that a network shows least, found and drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app.research.__main__ import main
from app.research.evaluation import failure

SOURCES = {"CT": failure.slices()["CT"]}


@pytest.mark.parametrize(("kept", "lost"), [(0, 1), (1, 0)])
def test_what_shows_one_source_alone_loses_the_lesions_of_the_other(kept, lost):
    worst = failure.worst(lambda *sources: sources[kept], SOURCES)
    assert worst.place.source == lost
    assert worst.cnr > 1
    assert worst.fused_cnr == 0


def test_what_adds_both_sources_loses_none_altogether():
    worst = failure.worst(lambda mri, partner: (mri + partner) / 2, SOURCES)
    assert worst.fused_cnr > 0.5 * worst.cnr  # at fair places the plain sum keeps 0.7 of a faint one


def test_the_slices_show_a_head_in_air_on_one_grid():
    for mri, partner in failure.slices().values():
        assert mri.shape == partner.shape == (failure.SIZE, failure.SIZE)
        assert 0 <= min(mri.min(), partner.min()) <= max(mri.max(), partner.max()) <= 1
        assert (mri[:5] == 0).all()
        assert 0.3 < mri[112, 60:160].mean() < 0.9


def test_the_picture_shows_the_lesion_in_a_circle_in_each_of_three_crops(tmp_path, capsys):
    path = tmp_path / "maximum.png"
    assert main(["failure", "maximum", "--out", str(path)]) == 0
    caption = capsys.readouterr().out
    assert caption.startswith("A spot 40% ")
    with Image.open(path) as image:
        picture = np.asarray(image)
    assert picture.ndim == 2
    side = failure.CROP * failure.ENLARGED
    assert picture.shape[1] == 3 * side + 4 * failure.MARGIN
    worst = failure.worst(np.maximum, failure.slices())
    assert f": there {worst.cnr:.1f} times" in caption
    crops = [picture[failure.LINE + failure.MARGIN :, failure.MARGIN + n * (side + failure.MARGIN) :][:side, :side]
             for n in range(3)]  # fmt: skip
    reach = failure.ENLARGED * 5
    middle = side // 2
    for crop in crops:  # the lesion lies away from the edge of the slice, so in the middle of its crop
        assert (crop[middle - 2 : middle + 8, middle - reach - 2 : middle - reach + 8] == 255).any()


def test_a_file_that_cannot_be_written_is_named(tmp_path, capsys):
    assert main(["failure", "maximum", "--out", str(tmp_path / "x.nothing")]) == 2
    assert "x.nothing cannot be written" in capsys.readouterr().err
