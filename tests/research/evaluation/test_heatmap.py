"""The heat map: its cells have the colours of their values."""

from __future__ import annotations

import math

from app.research.evaluation import heatmap


def test_the_heat_maps_cells_have_the_colours_of_their_values():
    rows, columns = ["a", "longer name"], ["SD", "SF", "AG"]
    values = [[-1.0, 0.0, 1.0], [math.nan, 0.5, -0.5]]
    picture = heatmap.draw("title", "note", rows, columns, values, [[""] * 3] * 2)
    found = {picture.getpixel((x, y)) for x in range(picture.width) for y in range(picture.height)}
    for value, colour in [
        (-1, (33, 102, 172)),
        (1, (178, 24, 43)),
        (math.nan, (200, 200, 200)),
        (0.5, (216, 140, 149)),
    ]:
        assert heatmap.colour(value) == colour
        assert colour in found
    assert heatmap.colour(0) == (255, 255, 255)
    width, height = heatmap.CELL
    cells = [[picture.getpixel((picture.width - 12 - width * (3 - i) + 9, picture.height - 12 - height * (3 - j) + 9))
              for i in range(3)] for j in range(2)]  # fmt: skip
    assert cells == [[heatmap.colour(value) for value in row] for row in values]
