"""The lists of panes and layouts, and that everything reads them."""

from __future__ import annotations

import pytest

from app.base import settings
from app.base.errors import UsageError
from app.cli.parser import parse
from app.view.layouts import LAYOUTS, PANES, Layout, Place


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_the_places_of_a_layout_are_panes_in_different_cells_of_its_columns(layout):
    assert LAYOUTS[layout.name] is layout
    assert all(place.pane in PANES for place in layout.places)
    cells = [
        (place.row + row, place.column + column)
        for place in layout.places
        for row in range(place.rows)
        for column in range(place.columns)
    ]
    assert len(set(cells)) == len(cells)
    assert {column for _, column in cells} == set(range(len(layout.stretch)))


def test_what_a_layout_means_follows_from_its_panes():
    assert [name for name, layout in LAYOUTS.items() if layout.has_one_pane] == ["overlay"]
    assert [name for name, layout in LAYOUTS.items() if layout.has_zoom] == ["zoom"]
    assert [name for name, layout in LAYOUTS.items() if layout.has_planes] == ["planes"]
    assert [name for name, layout in LAYOUTS.items() if layout.has_sources] == ["side-by-side"]
    assert [pane.name for pane in LAYOUTS["planes"].panes] == ["axial", "coronal", "sagittal"]


def test_a_layout_added_to_the_list_is_a_choice_of_the_command_line_and_of_the_settings(monkeypatch, tmp_path, capsys):
    with pytest.raises(UsageError, match="invalid choice: 'column'"):
        parse(["--layout", "column"])
    monkeypatch.setitem(LAYOUTS, "column", Layout("column", "Column", (Place("mri", 0, 0), Place("fused", 1, 0)), (1,)))
    assert parse(["--layout", "column"]).layout == "column"
    with pytest.raises(SystemExit):
        parse(["view", "--help"])
    assert "planes,layer,column" in capsys.readouterr().out
    settings.save(settings.Settings(layout="column"), tmp_path)
    assert settings.load(tmp_path, choices={"layout": LAYOUTS})[0].layout == "column"
