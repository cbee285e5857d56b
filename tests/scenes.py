"""Studies made by hand for the window's tests and measurements: no file is read, every voxel is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.case.alignment import Aligned
from app.case.document import Case
from app.case.fusing import FusionRequest, FusionStack
from app.case.layers import Layer
from app.case.links import linked
from app.core.geometry import Geometry
from app.core.values import Clipped, FusionWindow
from app.core.volume import Patient, Series, Volume
from app.registration.register import RegistrationResult
from app.registration.verdict import Verdict

_numbers = count(1)  # two series never share a uid

ANNA = Patient(id="P1", name="Muster^Anna", birth_date="19700101", sex="F")
BERT = Patient(id="P2", name="Other^Bert", birth_date="19600101", sex="M")


def registered(matrix: NDArray[np.float64] | None = None, verdict: str = "header-aligned") -> RegistrationResult:
    """A registration by a known fixed-to-moving matrix, the identity unless one is given."""
    return RegistrationResult(np.eye(4) if matrix is None else matrix, ("", ""), Verdict(verdict), "header")


def series(modality: str, size: tuple[int, int, int], unit: str, patient: Patient = ANNA) -> Series:
    return Series(
        uid=f"1.2.3.{next(_numbers)}",
        modality=modality,
        description=f"{modality} head",
        paths=(),
        size=size,
        spacing_mm=(1, 1, 1),
        orientation="LPS",
        unit=unit,
        reader="test",
        patient=patient,
    )


def volume(
    stored: NDArray[Any],
    *,
    modality: str = "MR",
    unit: str = "a.u.",
    affine: NDArray[np.float64] | None = None,
    slope: Any = 1.0,
    intercept: Any = 0.0,
    patient: Patient = ANNA,
    in_mm: bool = True,
    **more: Any,
) -> Volume:
    """A volume around an array [k, j, i]; 1 mm, axial, its middle at 0 unless an affine is given."""
    k, j, i = stored.shape
    if affine is None:
        affine = np.eye(4)
        affine[:3, 3] = -(np.array([i, j, k]) - 1) / 2
    return Volume(
        stored=np.array(stored),
        slope=slope,
        intercept=intercept,
        geometry=Geometry((i, j, k), affine, in_mm),
        modality=modality,
        unit=unit,
        series=series(modality, (i, j, k), unit, patient),
        **more,
    )


def head(size: int = 128, slices: int = 96, seed: int = 0) -> tuple[Volume, Volume]:
    """An MR (int16) and a coarser PET (SUV) of one crude head, seen from the side it cannot be confused with.

    A bright marker lies at the patient's right front; the PET has a hot spot at the patient's left back and ends
    some slices below the top.
    """
    rng = np.random.default_rng(seed)
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in (slices, size, size)), indexing="ij")
    skull = (i / 0.72) ** 2 + (j / 0.88) ** 2 + (k / 0.92) ** 2
    mr = np.where(skull < 1, 260, 0) + np.where(skull < 0.82, 320, 0)
    mr = mr + np.where((np.abs(i) < 0.14) & (np.abs(j + 0.05) < 0.3) & (np.abs(k) < 0.3), -420, 0)  # ventricles
    mr = mr + np.where((i + 0.35) ** 2 + (j + 0.5) ** 2 + k**2 < 0.012, 500, 0)  # the marker, right front
    mr = np.clip(mr + rng.normal(0, 12, mr.shape), 0, None).astype(np.int16)
    half, fewer = size // 2, slices // 2
    kk, jj, ii = np.meshgrid(*(np.linspace(-1, 1, n) for n in (fewer, half, half)), indexing="ij")
    brain = (ii / 0.66) ** 2 + (jj / 0.8) ** 2 + (kk / 0.85) ** 2
    activity = np.where(brain < 1, 3.0, 0.1) + np.where((ii - 0.3) ** 2 + (jj - 0.45) ** 2 + kk**2 < 0.02, 6.0, 0.0)
    pet = np.clip(activity * 1000 + rng.normal(0, 60, activity.shape), 0, None).astype(np.uint16)[: fewer - 8]
    step = (size - 1) / (half - 1)
    affine = np.diag([step, step, (slices - 1) / (fewer - 1), 1.0])
    affine[:3, 3] = -(np.array([size, size, slices]) - 1) / 2
    return volume(mr), volume(pet, modality="PT", unit="SUVbw", affine=affine, slope=0.001)


def pair(mri: Volume, partner: Volume, *, verdict: str = "header-aligned", with_aligned: bool = True) -> Case:
    """A case with both roles and an identity registration, aligned or not yet."""
    registration = registered(verdict=verdict)
    case = Case().having(mri=mri, partner=partner)
    if not with_aligned:
        return case.having(registration=registration)
    return case.having(registration=registration, aligned=aligned(mri, partner, registration))


def shown(case: Case, **display: Any) -> Case:
    """The case with its layers shown otherwise: mri_window, partner_window, mri_inverted, partner_inverted; palette and
    palette_alone are the partner's."""
    for name, value in display.items():
        role, _, field = name.partition("_") if name.startswith(("mri_", "partner_")) else ("partner", "", name)
        layer = case.of_role(role)
        if layer is not None:
            case = case.with_layer(layer.uid, **{field: value})
    return case


def aligned(mri: Volume, partner: Volume, registration: RegistrationResult) -> Aligned:
    from app.registration.resample import resample

    onto = resample(partner, mri.geometry, registration.fixed_to_moving)
    return Aligned(mri, partner, registration, onto.values, onto.inside)


def fused(
    pair_aligned: Aligned, luma: NDArray[np.float32], *, done: NDArray[np.bool_] | None = None, network: str = "average"
) -> FusionStack:
    """A stack as if a network had answered `luma` [k, j, i]."""
    windows = FusionWindow(0, 600, "a.u."), FusionWindow(0, 10, pair_aligned.partner.unit)
    return FusionStack(
        pair_aligned,
        FusionRequest(network, *windows),
        luma,
        np.ones(len(luma), bool) if done is None else done,
        weights_sha256="",
        device="cpu",
        key="test",
        clipped_percent=(Clipped(0.0, 0.0), Clipped(0.0, 0.0)),
    )


def with_layer(case: Case, made: Volume, *, linked_by: NDArray[np.float64] | None = None, **display: Any) -> Case:
    """The case with one more layer over the pair; linked to the base by a 4x4, or not at all."""
    layer = replace(Layer.of(made), visible=True, **display)
    case = case.having(layers=(*case.layers, layer))
    if linked_by is None or case.base is None:
        return case
    return case.having(links=linked(case.links, case.base.end, layer.end, registered(linked_by)))
