"""What `synoptic info` prints of a scan: a document of plain JSON values, or lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.core.volume import Series, Study
    from app.files.readers import Scan


def info_document(scan: Scan) -> dict[str, Any]:
    """{"studies": [{"patient", "uid", "series": [...]}], "skipped": [{"path", "reason"}]}; see `series_document`."""
    return {
        "studies": [_study(study) for study in scan.studies],
        "skipped": [{"path": str(skip.path), "reason": skip.reason} for skip in scan.skipped],
    }


def _study(study: Study) -> dict[str, Any]:
    return {
        "patient": study.patient.id or study.patient.name,
        "uid": study.uid,
        "series": [series_document(series) for series in study.series],
    }


def series_document(series: Series) -> dict[str, Any]:
    """One series. slices: images acquired; size: of the grid they are read into; a problem leads the warnings."""
    return {
        "uid": series.uid,
        "modality": series.modality,
        "description": series.description,
        "slices": series.acquired or series.size[2],
        "size": list(series.size),
        "spacing_mm": None if series.spacing_mm is None else [round(step, 6) for step in series.spacing_mm],
        "orientation": series.orientation,
        "unit": series.unit,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "suv": _suv(series),
        "warnings": [*([series.problem] if series.problem else []), *series.warnings],
    }


def _suv(series: Series) -> dict[str, Any]:
    if series.suv is None:
        return {"factor": None, "reason": "not a PET series" if series.modality != "PT" else "no SUV is stated"}
    factors = series.suv.factor
    if not factors:
        return {"factor": None, "reason": series.suv.reason}
    same = len(set(factors)) == 1
    return {"factor": factors[0] if same else list(factors), "reason": series.suv.reason}


def info_text(scan: Scan) -> str:
    """The same for people: a line for each study and each series, with its number in the list and its warnings."""
    lines: list[str] = []
    number = 0
    for study in scan.studies:
        patient = study.patient.id or study.patient.name or "not named"
        lines.append(f"Study {study.uid or 'without UID'}  patient {patient}")
        for series in study.series:
            number += 1
            document = series_document(series)
            size = " x ".join(str(n) for n in document["size"])
            spacing = " x ".join(f"{step:.4g}" for step in document["spacing_mm"] or ()) or "no"
            kind = series.modality or "??"
            what = f"{kind:3} {size} at {spacing} mm {series.orientation} {series.unit}  {series.description}"
            lines.append(f"{number:3} {what}")
            lines.append(f"      {series.uid}")
            lines += [f"      ! {warning}" for warning in document["warnings"]]
    lines += [f"Skipped {skip.path}: {skip.reason}" for skip in scan.skipped]
    return "\n".join(lines) or "Nothing found."
