"""Is one method better than the others on the same images? After section 4.3 of the LKC-FUNet paper, and beyond it.

    synoptic evaluate --pairs DIR --peers DIR --per-image per-image.csv
    python -m app.research statistics per-image.csv --method lkcfunet --out DIR [--seed 0]

As in the paper: for each other method and each metric of RANKED the differences per image; Shapiro-Wilk on them; the
paired t-test where it finds them normal (p > 0.05), Wilcoxon's signed-rank test elsewhere; p-values adjusted after
Holm over all comparisons of a task; the improvement rate r, the share of images on which the method is better (equal
ones count half), centred: (r - 0.5) * 2. Beyond it: bootstrap 95 % intervals of the mean, of the mean difference and of
the rank sum, and how often a method's rank sum is the lowest where the images are drawn anew ("first").

Slices of one patient are alike, so with few patients p-values and intervals speak of these slices, not of new patients.

Into --out go comparisons.csv, and for each task a heat map, heatmap-<task>.png; the summary goes to stdout.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
from PIL import Image

from app.base.errors import UsageError
from app.base.progress import Progress
from app.base.terminal import note, whole_number
from app.research.evaluation import heatmap, per_image
from app.research.evaluation.options import path_argument
from app.research.evaluation.paired import (
    Values,
    holm,
    improvement,
    interval,
    means_of_known,
    paired_test,
    resampled_means,
)
from app.research.evaluation.per_image import Measured
from app.research.evaluation.tables import RANK_SUM, RANKED, SIGN, CannotWriteError, rank_sums_of, write_text

SIGNIFICANT, HIGHLY = 0.05, 0.001


class UnknownMethodError(UsageError):
    def __init__(self, method: str, task: str, known: Sequence[str]) -> None:
        super().__init__(f"The file has no method {method!r} for {task}.", hint=f"It has {', '.join(known)}.")


class NoOtherMethodError(UsageError):
    hint = "Measure other networks too, or other programs' pictures with --peers."

    def __init__(self, method: str, task: str) -> None:
        super().__init__(f"The file has nothing but {method} for {task}, so there is nothing to compare it with.")


class UnequalImagesError(UsageError):
    hint = "Measure all methods of a task on the same images, in one run of `synoptic evaluate`."

    def __init__(self, task: str, method: str) -> None:
        super().__init__(f"{method} was not measured on the same images as the other methods of {task}.")


@dataclass(frozen=True)
class Comparison:
    """A method against another by one metric, on n images where both have a value.

    difference, low, high : mean over the images and its 95 % interval, positive where the method is better
    improvement : centred rate, from -1, never better, to 1, always; p, adjusted : two-sided, before and after Holm
    """

    task: str
    method: str
    other: str
    metric: str
    n: int
    difference: float
    low: float
    high: float
    improvement: float
    test: str
    p: float
    adjusted: float
    reason: str

    @property
    def stars(self) -> str:
        """The paper's: ** below 0.001, * below 0.05 after Holm's correction."""
        return "**" if self.adjusted < HIGHLY else "*" if self.adjusted < SIGNIFICANT else ""


@dataclass(frozen=True)
class Estimate:
    """A number of a method, with its 95 % interval."""

    value: float
    low: float
    high: float


def by_method(measured: Sequence[Measured], task: str) -> dict[str, Values]:
    """(images, RANKED) of each method of a task, images in one order; UnequalImagesError where they differ."""
    by_name: dict[str, dict[str, list[float]]] = {}
    for row in measured:
        if row.task == task:
            by_name.setdefault(row.method, {})[row.image] = [row.values[name] for name in RANKED]
    images = sorted(next(iter(by_name.values())))
    for method, rows in by_name.items():
        if sorted(rows) != images:
            raise UnequalImagesError(task, method)
    return {method: np.array([rows[image] for image in images]) for method, rows in by_name.items()}


def estimates(values: Mapping[str, Values], seed: int = 0) -> dict[str, dict[str, Estimate]]:
    """By method: the mean of each metric of RANKED, and the rank sum."""
    stacked = np.stack(list(values.values()), axis=1)  # (images, methods, columns)
    flat = stacked.reshape(len(stacked), -1)
    resampled = _resampled(values, seed)
    means = means_of_known(flat, np.ones((1, len(flat)))).reshape(stacked.shape[1:])
    values_and_sum = np.concatenate([means, rank_sums_of(means, RANKED)[:, None]], axis=1)
    drawn = np.concatenate([resampled, rank_sums_of(resampled, RANKED)[..., None]], axis=2)
    return {
        method: {
            name: Estimate(float(values_and_sum[row, column]), *interval(drawn[:, row, column]))
            for column, name in enumerate((*RANKED, RANK_SUM))
        }
        for row, method in enumerate(values)
    }


def first_places(values: Mapping[str, Values], seed: int = 0) -> dict[str, float]:
    """By method: the share of draws in which its rank sum is the lowest; methods with equal ones share a draw."""
    sums = rank_sums_of(_resampled(values, seed), RANKED)
    lowest = sums == sums.min(axis=1, keepdims=True)
    shares = (lowest / lowest.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(values, shares.tolist(), strict=True))


def _resampled(values: Mapping[str, Values], seed: int) -> Values:
    """Means over images drawn anew, the same draws for all: (draws, methods, columns)."""
    stacked = np.stack(list(values.values()), axis=1)
    return resampled_means(stacked.reshape(len(stacked), -1), seed).reshape(-1, *stacked.shape[1:])


def compare(values: Mapping[str, Values], task: str, method: str, seed: int = 0) -> list[Comparison]:
    """A method against each other by each metric of RANKED, adjusted together."""
    if method not in values:
        raise UnknownMethodError(method, task, list(values))
    if len(values) == 1:
        raise NoOtherMethodError(method, task)
    comparisons: list[Comparison] = []
    for other in values:
        if other == method:
            continue
        gains = (values[method] - values[other]) * [SIGN[name] for name in RANKED]
        resampled = resampled_means(gains, seed)
        for column, name in enumerate(RANKED):
            of = gains[np.isfinite(gains[:, column]), column]
            test = paired_test(of)
            low, high = interval(resampled[:, column])
            comparisons.append(
                Comparison(
                    task, method, other, name, len(of), float(of.mean()) if len(of) else math.nan, low, high,
                    improvement(of), test.name, test.p, math.nan, test.reason,
                )
            )  # fmt: skip
    adjusted = holm([comparison.p for comparison in comparisons])
    return [replace(comparison, adjusted=float(p)) for comparison, p in zip(comparisons, adjusted, strict=True)]


def heat_map(comparisons: Sequence[Comparison]) -> Image.Image:
    """The paper's Figure 12 for one task: centred improvement rates, with stars where they are significant."""
    first = comparisons[0]
    count = max(comparison.n for comparison in comparisons)
    others = list(dict.fromkeys(comparison.other for comparison in comparisons))
    cells = {(comparison.other, comparison.metric): comparison for comparison in comparisons}
    grid = [[cells[other, metric] for metric in RANKED] for other in others]
    return heatmap.draw(
        f"{first.method} against each other method, {first.task}",
        f"{count} images; 1 better on all, -1 on none; * p < 0.05, ** p < 0.001 (Holm).",
        others,
        RANKED,
        [[comparison.improvement for comparison in row] for row in grid],
        [[shown(comparison) for comparison in row] for row in grid],
    )


def shown(comparison: Comparison) -> str:
    return f"{comparison.improvement:.2f} {comparison.stars}".strip() if comparison.n else "-"


def as_markdown(
    task: str,
    estimated: Mapping[str, Mapping[str, Estimate]],
    first: Mapping[str, float],
    comparisons: Sequence[Comparison],
) -> str:
    """Means with intervals and how often each is first, best rank sum first, and the comparisons as in the heat map."""
    columns = (RANK_SUM, *RANKED)
    lines = [f"| {task} | first | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for method in sorted(estimated, key=lambda method: estimated[method][RANK_SUM].value):
        row = [estimated[method][name] for name in columns]
        cells = [f"{of.value:.4g} [{of.low:.4g}, {of.high:.4g}]" for of in row]
        lines.append(f"| {method} | {first[method]:.0%} | {' | '.join(cells)} |")
    lines += ["", f"| {comparisons[0].method} against | {' | '.join(RANKED)} |", "|---" * (len(RANKED) + 1) + "|"]
    for other in dict.fromkeys(comparison.other for comparison in comparisons):
        cells = [shown(comparison) for comparison in comparisons if comparison.other == other]
        lines.append(f"| {other} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def as_csv(comparisons: Sequence[Comparison]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Comparison)])
    writer.writerows([["" if cell != cell else cell for cell in astuple(comparison)] for comparison in comparisons])
    return text.getvalue()


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("per_image", type=path_argument, metavar="PER_IMAGE.csv")
    parser.add_argument("--method", required=True, metavar="NAME", help="the one to compare with each other")
    parser.add_argument("--out", type=path_argument, required=True, metavar="DIR")
    parser.add_argument("--seed", type=whole_number, default=0, help="of the bootstrap")


def run(args: argparse.Namespace, progress: Progress) -> None:
    measured = per_image.read(args.per_image)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWriteError(args.out, error.strerror or str(error)) from error
    comparisons: list[Comparison] = []
    tasks = list(dict.fromkeys(row.task for row in measured))
    for done, task in enumerate(tasks):
        progress(done / len(tasks), task)
        values = by_method(measured, task)
        if args.method not in values and any(row.method == args.method for row in measured):
            note(f"{task} is left out: nothing of {args.method} was measured there")
            continue
        of_task = compare(values, task, args.method, args.seed)
        print(as_markdown(task, estimates(values, args.seed), first_places(values, args.seed), of_task))
        path = args.out / f"heatmap-{task}.png"
        try:
            heat_map(of_task).save(path)
        except OSError as error:
            raise CannotWriteError(path, error.strerror or str(error)) from error
        comparisons += of_task
    write_text(args.out / "comparisons.csv", as_csv(comparisons))
