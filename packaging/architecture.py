"""Draw the house from the code: resources/manual/architecture.svg, and the table in architecture.md beside it.

    python packaging/architecture.py

Floors are the layers of pyproject's import-linter contract, rooms the packages with the first line of their docstring;
what a floor imports is read from the imports themselves.
"""

from __future__ import annotations

import ast
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
MANUAL = ROOT / "resources" / "manual"
BEGIN, END = "<!-- made by packaging/architecture.py -->", "<!-- end -->"
WIDTH, GAP, LINE = 1180, 10, 17
STYLE = "font-family='Helvetica, Arial, sans-serif'"


@dataclass(frozen=True)
class Room:
    """A package: its dotted name below app, the first line of its docstring, and the packages inside it."""

    name: str
    purpose: str
    inner: tuple[Room, ...]


def floors() -> list[list[str]]:
    """The packages of each layer, from the top down."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in layers if layer != "__main__"]


def room(name: str) -> Room:
    folder = ROOT / "app" / name.replace(".", "/")
    purpose = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    inside = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    return Room(name, purpose.partition("\n")[0], tuple(room(f"{name}.{part}") for part in inside))


def imported(graph: grimp.ImportGraph, package: str) -> list[str]:
    """The packages that a package imports directly, from the top floor down."""
    below = [name for layer in floors() for name in layer if name != package]
    mine = {f"app.{package}"} | graph.find_descendants(f"app.{package}")
    targets = {target for module in mine for target in graph.find_modules_directly_imported_by(module)}
    return [name for name in below if any(f"{target}.".startswith(f"app.{name}.") for target in targets)]


def svg(graph: grimp.ImportGraph) -> str:
    shapes: list[str] = []
    top = GAP
    for layer in floors():
        rooms = [room(name) for name in layer]
        width = (WIDTH - GAP * (len(rooms) + 1)) / len(rooms)
        tall = max(_height(place, width, imported(graph, place.name)) for place in rooms)
        for number, place in enumerate(rooms):
            left = GAP + number * (width + GAP)
            shapes += _draw(place, left, top, width, tall, imported(graph, place.name))
        top += tall + GAP
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {top:.0f}' {STYLE}>",
            "<title>The packages of Synoptic: each imports only what stands below it</title>",
            f"<rect width='{WIDTH}' height='{top:.0f}' fill='#ffffff'/>",
            *shapes,
            "</svg>\n",
        )
    )


def _height(place: Room, width: float, imports: list[str]) -> float:
    inner = 46 if place.inner else 0
    return 30 + LINE * (len(_wrapped(place.purpose, width)) + len(_wrapped(_words(imports), width))) + inner + 6


def _words(imports: list[str]) -> str:
    return f"imports {', '.join(imports)}" if imports else "imports nothing of app"


def _wrapped(text: str, width: float) -> list[str]:
    return textwrap.wrap(text, max(12, int((width - 20) / 6.6)))


def _draw(place: Room, left: float, top: float, width: float, tall: float, imports: list[str]) -> Iterator[str]:
    yield f"<rect x='{left:.0f}' y='{top:.0f}' width='{width:.0f}' height='{tall:.0f}' rx='6' {_PAINT}/>"
    y = top + 22
    yield f"<text x='{left + 10:.0f}' y='{y:.0f}' font-size='16' font-weight='bold' fill='#0d3b54'>{place.name}</text>"
    for line in _wrapped(place.purpose, width):
        y += LINE
        yield f"<text x='{left + 10:.0f}' y='{y:.0f}' font-size='12.5' fill='#222222'>{escape(line)}</text>"
    for line in _wrapped(_words(imports), width):
        y += LINE
        yield f"<text x='{left + 10:.0f}' y='{y:.0f}' font-size='12' fill='#8a4b08'>{escape(line)}</text>"
    if place.inner:
        part = (width - 20 - 6 * (len(place.inner) - 1)) / len(place.inner)
        for number, inner in enumerate(place.inner):
            x = left + 10 + number * (part + 6)
            yield f"<rect x='{x:.0f}' y='{y + 10:.0f}' width='{part:.0f}' height='32' rx='4' {_INNER}/>"
            name = inner.name.rpartition(".")[2]
            yield f"<text x='{x + 8:.0f}' y='{y + 31:.0f}' font-size='13' fill='#0d3b54'>{name}</text>"


_PAINT = "fill='#eef5f9' stroke='#5b8ba6'"
_INNER = "fill='#ffffff' stroke='#9dbccd'"


def table(graph: grimp.ImportGraph) -> str:
    """Markdown: every package, what it is for, and what it imports."""
    rows = ["| package | what it is for | imports |", "|---|---|---|"]

    def add(place: Room, imports: str) -> None:
        rows.append(f"| `app/{place.name.replace('.', '/')}` | {place.purpose} | {imports} |")
        for inner in place.inner:
            add(inner, "")

    for layer in floors():
        for name in layer:
            add(room(name), ", ".join(imported(graph, name)) or "nothing of app")
    return "\n".join(rows)


def page(graph: grimp.ImportGraph) -> str:
    """architecture.md with its table made anew."""
    text = (MANUAL / "architecture.md").read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table(graph)}\n\n{END}{tail}"


def main() -> None:
    sys.path.insert(0, str(ROOT))  # this checkout, not an installed one
    graph = grimp.build_graph("app", cache_dir=None)
    (MANUAL / "architecture.svg").write_text(svg(graph), encoding="utf-8")
    (MANUAL / "architecture.md").write_text(page(graph), encoding="utf-8")


if __name__ == "__main__":
    main()
