"""All that lies on one picture: what a pane paints over it and an export prints around it."""

from __future__ import annotations

from app.case.document import Case
from app.view.annotations import banner, bar_width, colour_bar, corners, letters, message, scale_bar
from app.view.bars import bar
from app.view.labels import blank_message, labels
from app.view.layouts import LAYOUTS
from app.view.marks import MARGIN, Frame, Mark, Measure
from app.view.memo import Memo
from app.view.picture import Blank, Picture
from app.view.places import crosshair, rectangle, regions
from app.view.state import ViewState
from app.view.viewport import Viewport, zoom_rect

_LOWEST_WITH_BAR = 200  # logical pixels: a lower picture has no room for a colour bar


def marks_of(
    state: ViewState,
    case: Case,
    role: str,
    picture: Picture,
    view: Viewport | None,
    frame: Frame,
    measure: Measure,
    memo: Memo,
    *,
    zoomed: bool = False,
) -> list[Mark]:
    """The marks of a picture in the order in which they are painted.

    role : the pane's; zoomed : whether it is the pane that the zoom rectangle fills
    view : where the picture lies in `frame`; None where there is no grid
    """
    marks: list[Mark] = []
    if picture.blank is not None:
        ink = "stop" if picture.blank is Blank.STOPPED else "plain"
        marks += message(blank_message(picture), frame, ink, measure)
    elif view is not None:
        marks += _on_the_picture(state, case, view, measure, memo, zoomed=zoomed)
        marks += _sides_and_scales(state, case, picture, view, frame, measure)
    return [*marks, *corners(labels(state, case, role, picture), frame, measure), *banner(frame, measure)]


def _on_the_picture(
    state: ViewState, case: Case, view: Viewport, measure: Measure, memo: Memo, *, zoomed: bool
) -> list[Mark]:
    """Marks of places, which only a picture on the shared grid has."""
    if view.plane.grid is not case.grid:
        return []
    marks = crosshair(state, view) if state.show_crosshair else []
    marks += regions(case, view, measure, memo)
    if LAYOUTS[state.layout].has_zoom and not zoomed:
        marks += rectangle(view.rect_in_pane(zoom_rect(state, view.plane)))
    return marks


def _sides_and_scales(
    state: ViewState, case: Case, picture: Picture, view: Viewport, frame: Frame, measure: Measure
) -> list[Mark]:
    """The patient's sides, always; colour bar and scale bar with the annotations."""
    scaled = state.annotations != "none"
    shown = bar(state, case, picture) if scaled and frame.height >= _LOWEST_WITH_BAR else None
    marks = [] if shown is None else colour_bar(shown, frame, measure)
    if view.plane.grid.in_mm:
        left, _, width, _ = frame.picture
        wide = 0.0 if shown is None else bar_width(shown) + MARGIN
        beside = left + width < frame.width - wide  # the bar has room of its own
        marks += letters(view.plane, frame, right_inset=0 if beside else wide)
        marks += scale_bar(view.scale, frame) if scaled else []
    return marks
