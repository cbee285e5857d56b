"""How a series is shown at first."""

from __future__ import annotations

import numpy as np
import pytest

from app.case.layers import Layer
from tests.scenes import volume


@pytest.mark.parametrize(
    ("modality", "colours"),
    [("PT", ("Hot Iron", "Inverted Grey")), ("CT", ("Grey", "Grey")), ("MR", ("Grey", "Grey"))],
)
def test_a_layer_begins_in_the_colours_of_its_kind_and_lies_over_nothing(modality, colours):
    layer = Layer.of(volume(np.zeros((2, 2, 2), np.int16), modality=modality))
    assert (layer.palette, layer.palette_alone) == colours
    assert (layer.visible, layer.window, layer.fusion_window) == (False, None, None)
    assert layer.uid == layer.end.series_uid == layer.series.uid
    assert Layer.of(layer.volume, "other").end.series_uid == "other"
