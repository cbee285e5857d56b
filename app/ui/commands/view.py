"""The menu View: layouts, planes, tools, windows by number, and what is drawn over the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from app.core.planes import axis_named, three_axes
from app.ui.commands.command import Command, Window
from app.ui.commands.under_mouse import pane_under_mouse, role_under_mouse
from app.ui.flow.workspace import Workspace
from app.view.layouts import LAYOUTS
from app.view.presets import by_key
from app.view.state import ANNOTATION_LEVELS, PLANE_NAMES
from app.view.tools import TOOLS


def layout_commands() -> Iterator[Command]:
    """One for each of LAYOUTS."""
    for layout in LAYOUTS.values():
        run, checked = partial(choose_layout, layout.name), partial(_has, "layout", layout.name)
        yield Command(
            f"layout:{layout.name}",
            "View",
            layout.title,
            run,
            layout.keys,
            layout.icon,
            checked=checked,
            group="layout",
        )


def plane_commands() -> Iterator[Command]:
    for number, name in enumerate(PLANE_NAMES, 1):
        run, checked = partial(choose_plane, name), partial(_shows_plane, name)
        yield Command(
            f"plane:{name}", "View", f"Plane: {name}", run, (f"Alt+{number}",), enabled=_has_planes, checked=checked,
            group="plane",
        )  # fmt: skip


def tool_commands() -> Iterator[Command]:
    """One for each of TOOLS."""
    for tool in TOOLS.values():
        run, checked = partial(choose_tool, tool.name), partial(_has, "tool", tool.name)
        yield Command(
            f"tool:{tool.name}", "View", f"{tool.title}: left drag", run, tool.keys, tool.icon, checked=checked,
            group="tool",
        )  # fmt: skip


def preset_commands() -> Iterator[Command]:
    """The number keys: as many as a row has."""
    for key in "1234567890":
        text = f"Window preset {key}" if key != "0" else "Default window"
        yield Command(f"preset:{key}", "Windows", text, partial(choose_preset, key), (key,), in_menu=False)


def choose_layout(name: str, window: Window) -> None:
    window.workspace.update(layout=name, maximised="")


def choose_tool(name: str, window: Window) -> None:
    window.workspace.update(tool=name)


def choose_plane(name: str, window: Window) -> None:
    """The plane of the panes that have none of their own; among three planes, the one that keys go to."""
    workspace = window.workspace
    grid = workspace.case.grid
    if grid is not None and grid.in_mm:
        axis = axis_named(grid, name)
        if axis != workspace.state.axis:
            workspace.update(axis=axis, zoom_rect=None)


def choose_preset(key: str, window: Window) -> None:
    """The window of this number for the pane under the mouse, or for the volume that has one of this number."""
    case = window.workspace.case
    for role in (role_under_mouse(window), "partner", "mri"):
        layer = case.of_role(role)
        preset = by_key(None if layer is None else layer.volume, key)
        if preset is not None:
            window.workspace.change_layer(role, window=preset.window)
            return


def clear_measurements(window: Window) -> None:
    window.workspace.change(regions=())


def maximise(window: Window) -> None:
    if window.workspace.state.maximised:
        window.workspace.update(maximised="")
        return
    names = [pane.spec.name for pane in window.views.visible_panes()]
    under = pane_under_mouse(window)
    window.workspace.update(maximised=under if under in names else names[-1])


def invert(window: Window) -> None:
    role = role_under_mouse(window)
    layer = window.workspace.case.of_role(role)
    if layer is not None:
        window.workspace.change_layer(role, inverted=not layer.inverted)


def fade(window: Window) -> None:
    window.workspace.change_layer("partner", fading=not window.workspace.case.fading)


def next_annotations(window: Window) -> None:
    level = ANNOTATION_LEVELS.index(window.workspace.state.annotations)
    window.workspace.update(annotations=ANNOTATION_LEVELS[(level + 1) % len(ANNOTATION_LEVELS)])


def full_screen(window: Window) -> None:
    if window.isFullScreen():
        window.showNormal()
    else:
        window.showFullScreen()


def _toggle(field: str) -> Callable[[Window], None]:
    """Turns a flag of the ViewState round."""
    return lambda window: window.workspace.update(**{field: not getattr(window.workspace.state, field)})


def _has(field: str, value: object, workspace: Workspace) -> bool:
    """Whether a field of the ViewState holds this value."""
    return bool(getattr(workspace.state, field) == value)


def _has_planes(workspace: Workspace) -> bool:
    grid = workspace.case.grid
    return grid is not None and grid.in_mm


def _shows_plane(name: str, workspace: Workspace) -> bool:
    grid = workspace.case.grid
    return grid is not None and grid.in_mm and PLANE_NAMES[three_axes(grid).index(workspace.state.axis)] == name


def _flag(name: str, text: str, field: str, keys: tuple[str, ...] = (), *, on_panes: bool = False) -> Command:
    return Command(name, "View", text, _toggle(field), keys, checked=partial(_has, field, True), on_panes=on_panes)


COMMANDS = (
    Command("clear_measurements", "View", "Clear measurements", clear_measurements, ("Del",), on_panes=True),
    Command("fit", "View", "Fit", lambda window: window.workspace.fit(), ("F",), "fit", on_panes=True),
    Command("reset", "View", "Reset the view", lambda window: window.workspace.reset(), ("R",), "reset", on_panes=True),
    Command("maximise", "View", "Maximise the pane (double click)", maximise, ("M",), on_panes=True),
    Command("invert", "View", "Invert the pane under the mouse", invert, ("I",)),
    Command(
        "fading", "View", "Overlay clear where there is no uptake", fade,
        enabled=lambda workspace: workspace.case.partner is not None, checked=lambda workspace: workspace.case.fading,
    ),
    Command("annotations", "View", "Annotations: full, no patient data, none", next_annotations, ("N",), on_panes=True),
    _flag("crosshair", "Show the crosshair", "show_crosshair", ("Shift+X",), on_panes=True),
    _flag("smooth", "Smooth pixels", "smooth", ("Shift+S",)),
    _flag("reverse_drag", "Reverse the window/level drag", "reverse_window_drag"),
    Command("panels", "View", "Show or hide the panels", lambda window: window.toggle_panels(), ("F9",)),
    Command("full_screen", "View", "Full screen", full_screen, ("F11",)),
    Command(
        "undo", "Edit", "Undo", lambda window: window.workspace.undo(), ("Ctrl+Z",), "undo",
        enabled=lambda workspace: workspace.can_undo,
    ),
    Command(
        "redo", "Edit", "Redo", lambda window: window.workspace.redo(), ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
        enabled=lambda workspace: workspace.can_redo,
    ),
)  # fmt: skip
