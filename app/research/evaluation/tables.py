"""Tables of methods by metric, as Markdown, CSV and LaTeX, best and second best marked, sorted by rank sum.

The rank sum adds, over the columns in RANKED, a method's rank by its mean among all methods of the table (1 the best,
equals share a rank); lower is better.
"""

from __future__ import annotations

import csv
import errno
import io
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.base.errors import ExportError, UsageError
from app.metrics.catalogue import METRICS

RANKED = ("SD", "SF", "AG", "MI", "SCD", "VIFF", "Qabf", "SSIM")
RANK_SUM = "rank sum"
SIGN = {metric.name: 1.0 if metric.better == "higher" else -1.0 for metric in METRICS} | {RANK_SUM: -1.0}
COLUMNS = tuple(SIGN)
PRINTED, IN_FULL = ".3f", ".10g"

Means = dict[str, float]  # metric: mean over pictures; "n", their number; and what else is known of a method
Table = dict[str, Means]  # by method
Tables = dict[str, Table]  # by task


class TableFileError(UsageError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} names no kind of table.", hint=f"Give a file ending in {', '.join(WRITERS)}.")


class CannotWriteError(ExportError):
    hint = "Choose a folder that exists and that you may write to."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}.")


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each column's mean over the rows where it is defined; NaN where it is in none."""
    columns = {name: [row[name] for row in rows if math.isfinite(row[name])] for name in rows[0]}
    return {name: float(np.mean(column)) if column else math.nan for name, column in columns.items()}


def as_document(value: Any) -> Any:
    """Tables, however deep, ready for JSON, which has no NaN: None where there is no value."""
    if isinstance(value, Mapping):
        return {name: as_document(part) for name, part in value.items()}
    return value if math.isfinite(value) else None


def rank_sums(table: Table, columns: Sequence[str] = RANKED) -> dict[str, float]:
    """By method; what is undefined ranks last."""
    means = np.array([[row[column] for column in columns] for row in table.values()])
    return dict(zip(table, rank_sums_of(means, columns).tolist(), strict=True))


def rank_sums_of(means: NDArray[np.float64], columns: Sequence[str]) -> NDArray[np.float64]:
    """(..., methods, columns) -> (..., methods)."""
    goodness = np.nan_to_num(means * [SIGN[column] for column in columns], nan=-math.inf)
    sums: NDArray[np.float64] = rankdata(-goodness, axis=-2).sum(axis=-1)
    return sums


def places(values: Mapping[str, float], column: str, *, shown: str = PRINTED) -> dict[str, int]:
    """By method: 1 for the best, 2 for the second best; what is shown alike shares its place."""
    finite = {method: value for method, value in values.items() if math.isfinite(value)}
    goodness = {method: SIGN[column] * float(format(value, shown)) for method, value in finite.items()}
    best = sorted(set(goodness.values()), reverse=True)[:2] if len(values) > 1 else []
    return {method: 1 + best.index(value) for method, value in goodness.items() if value in best}


def as_markdown(tables: Tables) -> str:
    """A table for each task, best rank sum first."""
    lines: list[str] = []
    for task, table in tables.items():
        lines += [f"| {task}, {_count(table)} | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
        lines += [f"| {' | '.join(cells)} |" for cells in _marked(table, ("**{}**", "*{}*"), _plain)]
        lines += [""]
    notes = "**Best** and *second best* of each column. Higher is better, except for the rank sum: it adds the ranks in"
    return "\n".join([*lines, f"{notes} {', '.join(RANKED)}."])


def as_latex(tables: Tables) -> str:
    """A tabular for each task, best rank sum first; best bold, second best underlined."""
    lines: list[str] = []
    for task, table in tables.items():
        head = f"{task}, {_count(table)} & {' & '.join(COLUMNS)} \\\\"
        lines += [f"\\begin{{tabular}}{{l{'r' * len(COLUMNS)}}}", r"\hline", head, r"\hline"]
        marks = (r"\textbf{{{}}}", r"\underline{{{}}}")
        lines += [f"{' & '.join(cells)} \\\\" for cells in _marked(table, marks, _escaped)]
        lines += [r"\hline", r"\end{tabular}", ""]
    return "\n".join(lines)


def as_csv(tables: Tables) -> str:
    """All tasks in one table, numbers unrounded; the last two columns name where a method is best and second best."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    measured = list(next(iter(next(iter(tables.values())).values())))
    writer.writerow(["task", "method", *measured, RANK_SUM, "best", "second best"])
    for task, table in tables.items():
        for method, row, place in _sorted(table, IN_FULL):
            numbers = [row[column] for column in (*measured, RANK_SUM)]
            cells = ["" if math.isnan(number) else format(number, IN_FULL) for number in numbers]
            named = [", ".join(column for column, its in place.items() if its == which) for which in (1, 2)]
            writer.writerow([task, method, *cells, *named])
    return text.getvalue()


WRITERS: dict[str, Callable[[Tables], str]] = {".md": as_markdown, ".csv": as_csv, ".tex": as_latex}


def check_target(path: Path) -> None:
    """Whether a file can be written there, told before the work that fills it."""
    if path.is_dir():
        raise CannotWriteError(path, "it is a folder")
    if not path.parent.is_dir():
        raise CannotWriteError(path, f"there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CannotWriteError(path, os.strerror(errno.EACCES))


def write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CannotWriteError(path, error.strerror or str(error)) from error


def writer_for(path: Path) -> Callable[[Tables], str]:
    """The kind of table that a file's suffix names."""
    if path.suffix.lower() not in WRITERS:
        raise TableFileError(path)
    return WRITERS[path.suffix.lower()]


def _count(table: Table) -> int:
    return int(next(iter(table.values()))["n"])


def _sorted(table: Table, shown: str) -> list[tuple[str, Means, dict[str, int]]]:
    """(method, its values and rank sum, its place by column where it has one), best rank sum first."""
    sums = rank_sums(table)
    rows = {method: {**means, RANK_SUM: sums[method]} for method, means in table.items()}
    by_column = {
        column: places({method: row[column] for method, row in rows.items()}, column, shown=shown) for column in COLUMNS
    }
    return [
        (method, rows[method], {column: by_column[column][method] for column in COLUMNS if method in by_column[column]})
        for method in sorted(rows, key=lambda method: sums[method])
    ]


def _marked(table: Table, marks: Sequence[str], escaped: Callable[[str], str]) -> list[list[str]]:
    lines: list[list[str]] = []
    for method, row, place in _sorted(table, PRINTED):
        shown = {column: format(row[column], "g" if column == RANK_SUM else PRINTED) for column in COLUMNS}
        cells = [marks[place[name] - 1].format(text) if name in place else text for name, text in shown.items()]
        lines.append([escaped(method), *("-" if cell == "nan" else cell for cell in cells)])
    return lines


def _plain(name: str) -> str:
    return name.replace("|", r"\|")


def _escaped(name: str) -> str:
    words = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    words |= {letter: f"\\{letter}" for letter in "_&%#${}"}
    return "".join(words.get(letter, letter) for letter in name)
