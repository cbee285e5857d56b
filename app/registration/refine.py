"""From a start that is near to the answer: SimpleITK's rigid registration by Mattes mutual information.

Mattes et al. (2003) IEEE TMI 22:120. One work unit: with more, ITK adds the threads' parts in whichever order they
finish, and the same pair came out different in the seventh digit on every run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from app.base.errors import RegistrationError
from app.base.progress import Progress, silent
from app.core.geometry import Geometry
from app.core.transforms import Matrix
from app.registration.prepare import Prepared
from app.registration.verdict import Stopped

_SEED = 20240607


@dataclass(frozen=True)
class Stage:
    """One level of resolution, and how long to stay on it.

    step_mm is the first and the longest step; the stage ends below last_step_mm or after `iterations`
    """

    spacing_mm: float
    points: int
    iterations: int
    step_mm: float
    last_step_mm: float
    bins: int = 32


COARSE = Stage(spacing_mm=4.0, points=10_000, iterations=60, step_mm=2.0, last_step_mm=0.05)
FINE = Stage(spacing_mm=2.0, points=30_000, iterations=120, step_mm=1.0, last_step_mm=0.01)


@dataclass(frozen=True)
class Refined:
    fixed_to_moving: Matrix
    iterations: int
    stopped: Stopped


def refine(
    fixed: Prepared,
    moving: Prepared,
    start: Matrix,
    stage: Stage,
    progress: Progress = silent,
) -> Refined:
    """Climb from `start` on one level, comparing in and close around the fixed body.

    Raises RegistrationError where the images do not overlap at the start.
    """
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfWorkUnits(1)
    method.SetMetricAsMattesMutualInformation(stage.bins)
    method.SetMetricFixedMask(_image(fixed.near.astype(np.uint8), fixed.grid))
    if not moving.usable.all():
        method.SetMetricMovingMask(_image(moving.usable.astype(np.uint8), moving.grid))
    method.SetMetricSamplingStrategy(method.RANDOM)
    # ITK draws from the whole grid and drops what the mask excludes
    method.SetMetricSamplingPercentage(float(np.clip(stage.points / max(1, fixed.near.sum()), 1e-4, 1)), _SEED)
    # gradients only where a point asks for them: a filter over the whole image costs more and cannot be cancelled
    method.MetricUseFixedImageGradientFilterOff()
    method.MetricUseMovingImageGradientFilterOff()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=stage.step_mm,
        minStep=stage.last_step_mm,
        numberOfIterations=stage.iterations,
        relaxationFactor=0.8,
        gradientMagnitudeTolerance=1e-9,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    transform = _euler(start, fixed.centroid_mm)
    method.SetInitialTransform(transform, inPlace=True)
    errors: list[BaseException] = []

    def report() -> None:
        iterations = method.GetOptimizerIteration()
        try:
            progress(iterations / stage.iterations, f"Refining, {-method.GetMetricValue():.3f} nats")
        except BaseException as error:  # noqa: BLE001 - ITK would turn it into a RuntimeError; raised again below
            errors.append(error)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, report)
    try:
        method.Execute(_image(fixed.values, fixed.grid), _image(moving.values, moving.grid))
    except RuntimeError as error:
        if errors:
            raise errors[0] from None
        raise RegistrationError(
            "The two images do not overlap enough to be compared.",
            "Bring them together roughly by hand first, or check that both show the same part of the patient.",
        ) from error
    finally:
        method.RemoveAllCommands()
    if errors:
        raise errors[0]
    iterations = method.GetOptimizerIteration()
    stopped = Stopped.CONVERGED if iterations < stage.iterations else Stopped.OUT_OF_STEPS
    return Refined(_matrix(transform), iterations, stopped)


def _image(values: NDArray[np.generic], grid: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    return image


def _euler(matrix: Matrix, centre_mm: NDArray[np.float64]) -> sitk.Euler3DTransform:
    # an Euler transform takes only a rotation that is orthonormal to the last digits: the nearest one
    u, _, v = np.linalg.svd(matrix[:3, :3])
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre_mm.tolist())
    transform.SetMatrix((u @ v).ravel().tolist())
    transform.SetTranslation((matrix[:3, :3] @ centre_mm + matrix[:3, 3] - centre_mm).tolist())
    return transform


def _matrix(transform: sitk.Euler3DTransform) -> Matrix:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix[:3, 3] = centre + np.array(transform.GetTranslation()) - matrix[:3, :3] @ centre
    return matrix
