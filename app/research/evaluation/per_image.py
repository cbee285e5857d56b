"""What each fused picture measured, the CSV file of it that statistics reads, and the means over pictures."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.base.errors import InputError
from app.metrics.catalogue import METRICS
from app.research.evaluation.tables import Tables, means

_METRIC_NAMES = [metric.name for metric in METRICS]
_COLUMNS = ["task", "method", "image", *_METRIC_NAMES, "ms"]


class PerImageFileError(InputError):
    hint = "Give the CSV file that `synoptic evaluate --per-image FILE.csv` writes."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} cannot be used: {fact}.")


@dataclass(frozen=True)
class Measured:
    """One fused picture: the method and pair it comes from, and what it measured.

    values : metric -> value, NaN where the metric is undefined; ms : time to fuse it, NaN where a file brought it;
    reasons : metric -> why it is undefined
    """

    task: str
    method: str
    image: str
    values: dict[str, float]
    ms: float = math.nan
    reasons: dict[str, str] = field(default_factory=dict)


def means_by_method(measured: Iterable[Measured]) -> Tables:
    """Each metric's mean over the pictures where it is defined, in the order of what was measured."""
    tables: dict[str, dict[str, list[Measured]]] = {}
    for row in measured:
        tables.setdefault(row.task, {}).setdefault(row.method, []).append(row)
    return {
        task: {method: {"n": len(rows)} | means([row.values for row in rows]) for method, rows in table.items()}
        for task, table in tables.items()
    }


def undefined(measured: Sequence[Measured]) -> Iterator[str]:
    """A sentence for each metric that a method's mean leaves pictures out of, and why."""
    of_method = Counter((row.task, row.method) for row in measured)
    counts = Counter((row.task, row.method, *why) for row in measured for why in row.reasons.items())
    for (task, method, metric, reason), count in counts.items():
        yield f"{task}, {method}: {metric} is undefined for {count} of {of_method[task, method]} pictures: {reason}."


def as_csv(measured: Iterable[Measured]) -> str:
    """A line for each picture; empty cells where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in measured:
        numbers = [row.values[name] for name in _METRIC_NAMES] + [row.ms]
        cells = [repr(number) if math.isfinite(number) else "" for number in numbers]
        writer.writerow([row.task, row.method, row.image, *cells])
    return text.getvalue()


def read(path: Path) -> list[Measured]:
    """What `as_csv` wrote; PerImageFileError where it is something else."""
    if not path.is_file():
        raise PerImageFileError(path, "there is no such file")
    try:
        reader = csv.DictReader(path.read_text("utf-8").splitlines())
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PerImageFileError(path, str(error)) from error
    if not rows or reader.fieldnames != _COLUMNS:
        raise PerImageFileError(path, f"its columns are not {', '.join(_COLUMNS)}" if rows else "it has no rows")
    measured: dict[tuple[str, str, str], Measured] = {}
    for number, row in rows:
        try:
            values = {name: float(row[name]) if row[name] != "" else math.nan for name in (*_METRIC_NAMES, "ms")}
        except (TypeError, ValueError) as error:
            raise PerImageFileError(path, f"line {number} has a cell that is no number") from error
        if None in row or any(row[name] and not math.isfinite(value) for name, value in values.items()):
            raise PerImageFileError(path, f"line {number} has more cells than columns, or a number without end")
        key = row["task"], row["method"], row["image"]
        if key in measured:
            raise PerImageFileError(path, f"line {number} brings {' '.join(key)} a second time")
        measured[key] = Measured(*key, values, values.pop("ms"))
    return list(measured.values())
