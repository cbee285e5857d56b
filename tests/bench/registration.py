"""How fast and how exact registration is: python tests/bench/registration.py [--starts 40] [--plain 10]

Three tables. Time: a 256^3 MRI with a 128^3 PET; the goal on 2 cores is 6 s. Digital head: random starts of up to 20 mm
and of up to 15 degrees about each axis; the goal is at most 1 mm (CT) or 2 mm (PET, SPECT) on 95 % of them. Real pairs,
where SYNOPTIC_DATA names the folder with data/volumes/misaligned. Beside each stands a plain SimpleITK set-up, as its
own examples have it, run in the same process on the same images; errors are target registration errors, means over
eight points.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds only its own folder by itself

from app.core.geometry import Geometry, transform_points
from app.core.volume import Volume
from app.files import readers
from app.registration.register import register
from app.registration.resample import resample
from tests.heads import error_mm, mri, partner, random_start

Matrix = NDArray[np.float64]
Method = Callable[[Volume, Volume], Matrix]
LIMITS_MM = {"ct": 1.0, "pet": 2.0, "spect": 2.0}


def ours(fixed: Volume, moving: Volume) -> Matrix:
    return register(fixed, moving).fixed_to_moving


def plain(fixed: Volume, moving: Volume) -> Matrix:
    """Mattes mutual information, centres of the fields, three levels: the numbers of SimpleITK's introduction."""
    images = [_image(fixed), _image(moving)]
    start = sitk.CenteredTransformInitializer(
        *images, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.GEOMETRY
    )
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(50)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.01, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsGradientDescent(1.0, 100, convergenceMinimumValue=1e-6, convergenceWindowSize=10)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(*images)
    origin = np.array(start.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    for axis in range(3):
        matrix[:3, axis] = np.array(start.TransformPoint(np.eye(3)[axis].tolist())) - origin
    return matrix


METHODS: dict[str, Method] = {"synoptic": ours, "plain SimpleITK": plain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=40, help="random starts of each partner of the digital head")
    parser.add_argument("--plain", type=int, default=10, help="how many of them the plain set-up gets too")
    args = parser.parse_args()
    speed()
    digital_head(args.starts, args.plain)
    if "SYNOPTIC_DATA" in os.environ:
        real_pairs(Path(os.environ["SYNOPTIC_DATA"]) / "volumes" / "misaligned")


def speed() -> None:
    truth = random_start(np.random.default_rng(1), mri().geometry.centre_mm, 15, 20)
    fixed = _cube(mri(small=False), 256, 1.0)
    moving = _cube(partner("pet", truth, small=False), 128, 2.0)
    print("\n| 256^3 MRI, 128^3 PET | s, best of 3 | CPU s | error mm |\n|---|---|---|---|")
    best = {}
    for name, method in METHODS.items():
        runs = [_timed(method, fixed, moving) for _ in range(3)]
        matrix, best[name], cpu = min(runs, key=lambda run: run[1])
        print(f"| {name} | {best[name]:.2f} | {cpu:.2f} | {error_mm(matrix, truth):.2f} |", flush=True)
        if name == "synoptic":
            same = all((run[0] == matrix).all() for run in runs)
            print(f"| the same bits on every run | {'yes' if same else 'NO'} | | |")
    print(f"| ratio | {best['synoptic'] / best['plain SimpleITK']:.2f} | | |")


def digital_head(starts: int, plain_starts: int) -> None:
    print("\n| digital head | method | starts | within | limit mm | mean mm | worst mm | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    fixed = mri(small=False)
    for name, limit in LIMITS_MM.items():
        means = {}
        for label, method in METHODS.items():
            random = np.random.default_rng(7)
            errors, spent = [], 0.0
            for _ in range(starts if method is ours else plain_starts):
                truth = random_start(random, fixed.geometry.centre_mm, 15, 20)
                matrix, _, cpu = _timed(method, fixed, partner(name, truth, small=False))
                errors.append(error_mm(matrix, truth))
                spent += cpu
            if not errors:
                continue
            within, means[label] = 100 * np.mean(np.array(errors) < limit), float(np.mean(errors))
            print(
                f"| MR-{name.upper()} | {label} | {len(errors)} | {within:.0f} % | {limit:g} | {means[label]:.2f} "
                f"| {max(errors):.2f} | {spent / len(errors):.2f} |",
                flush=True,
            )
        if len(means) == 2:
            print(f"| | ratio of the means | | | | {means['synoptic'] / means['plain SimpleITK']:.2f} | | |")


def real_pairs(folder: Path) -> None:
    print("\n| real pair | start mm | synoptic mm | plain SimpleITK mm | ratio | from the truth mm | warnings |")
    print("|---|---|---|---|---|---|---|")
    for name, fixed, moving, truth, points, goal in _real(folder):
        result = register(fixed, moving)
        matrices = (np.eye(4), result.fixed_to_moving, plain(fixed, moving))
        drifted = register(fixed, moving, start=truth).fixed_to_moving
        start, found, baseline, drift = (
            float(np.linalg.norm(transform_points(m, points) - goal, axis=1).mean()) for m in (*matrices, drifted)
        )
        row = f"{start:.1f} | {found:.2f} | {baseline:.2f} | {found / baseline:.2f} | {drift:.2f}"
        print(f"| {name} | {row} | {len(result.warnings)} |", flush=True)


def _real(folder: Path) -> Iterator[tuple[str, Volume, Volume, Matrix, Matrix, Matrix]]:
    for path in sorted(folder.iterdir()):
        if not (path / "ground_truth.json").exists():
            continue
        truth = json.loads((path / "ground_truth.json").read_text())
        points, goal = (
            np.array([p[key] for p in truth["tre_points"]]) * [-1, -1, 1] for key in ("fixed_ras", "moving_ras")
        )
        volumes = [readers.read(readers.scan([path / truth[key]]).studies[0].series[0]) for key in ("fixed", "moving")]
        yield path.name, volumes[0], volumes[1], np.array(truth["itk_fixed_to_moving_lps"]), points, goal


def _timed(method: Method, fixed: Volume, moving: Volume) -> tuple[Matrix, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    matrix = method(fixed, moving)
    return matrix, time.perf_counter() - wall, time.process_time() - cpu


def _cube(volume: Volume, size: int, spacing_mm: float) -> Volume:
    """The volume on a cubic grid around its centre."""
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = volume.geometry.centre_mm - spacing_mm * (size - 1) / 2
    grid = Geometry((size, size, size), affine)
    values = resample(volume, grid, np.eye(4)).values
    return replace(volume, stored=values, slope=np.ones(size), intercept=np.zeros(size), geometry=grid)


def _image(volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(volume.values())
    image.SetSpacing(volume.geometry.spacing_mm)
    image.SetOrigin(volume.geometry.origin_mm.tolist())
    image.SetDirection(volume.geometry.direction.ravel().tolist())
    return image


if __name__ == "__main__":
    main()
