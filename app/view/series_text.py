"""What the window says about a series, as plain lines; and how untrusted header text is made fit to show."""

from __future__ import annotations

import html
import unicodedata

from app.core.modalities import modality_of
from app.core.volume import Patient, Series, Study
from app.view.probe import unit_text

LONGEST = 160
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, bidi and other invisible characters, line separators


def shown(text: str) -> str:
    """Header text without what could hide or reorder it (bidi overrides, control characters), cut where too long."""
    clean = "".join(" " if unicodedata.category(char) in _HIDDEN else char for char in text)
    clean = " ".join(clean.split())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def tooltip(text: str) -> str:
    """Text for a tooltip: Qt would take HTML in it for HTML."""
    return f"<qt>{html.escape(text).replace(chr(10), '<br>')}</qt>"


def title(series: Series) -> str:
    """ "MR  T1 MPRAGE"."""
    return f"{modality_of(series.modality).short or '?'}  {shown(series.description) or 'no description'}"


def size(series: Series) -> str:
    """ "256 × 256 × 160", or "256 × 256" for a picture."""
    i, j, k = series.size
    return f"{i} × {j} × {k}" if series.spacing_mm is not None or k > 1 else f"{i} × {j}"


def spacing(series: Series) -> str:
    """ "1.0 × 1.0 × 3.27 mm", or that a picture has none."""
    if series.spacing_mm is None:
        return "no millimetres"
    return " × ".join(f"{step:.3g}" for step in series.spacing_mm) + " mm"


def lines(series: Series) -> tuple[str, ...]:
    """The lines of one row of the series list: what it is, its grid, its unit, and what is wrong with it."""
    rows = [title(series)]
    if series.problem:
        return title(series), f"⛔ {shown(series.problem)}"
    rows += [size(series), spacing(series), unit_text(series.unit)]
    if series.warnings:
        more = f" (+{len(series.warnings) - 1})" if len(series.warnings) > 1 else ""
        rows.append(f"⚠ {shown(series.warnings[0])}{more}")
    return tuple(rows)


def details(series: Series, *, identified: bool = True) -> str:
    """Everything known from the headers but the patient; identified : with what leads to the study."""
    rows = [title(series), f"{size(series)} voxels of {spacing(series)}"]
    if series.orientation:
        rows.append(f"axes toward {', '.join(series.orientation)}")
    rows.append(f"unit: {series.unit}")
    if series.suv is not None and series.suv.factor is None and series.suv.reason:
        rows.append(f"no SUV: {series.suv.reason}")
    if series.attenuation_corrected is not None:
        rows.append("attenuation corrected" if series.attenuation_corrected else "NOT attenuation corrected")
    frame = series.frame_of_reference_uid
    if identified or not frame:
        rows.append(f"frame of reference …{frame[-12:]}" if frame else "no frame of reference stated")
    rows += [f"⛔ {series.problem}"] if series.problem else []
    rows += [f"⚠ {warning}" for warning in series.warnings]
    return "\n".join(shown(row) for row in rows)


def patient(person: Patient) -> str:
    """ "DOE JANE · 1234 · born 1970-01-31 · F": for the series list alone, never for titles, logs or file names."""
    date = person.birth_date
    born = f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date
    parts = (person.name.replace("^", " ").strip(), person.id, f"born {born}" if born else "", person.sex)
    return shown(" · ".join(part for part in parts if part)) or "patient not stated"


def study(given: Study) -> str:
    date = given.date
    when = f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date
    folder = given.series[0].paths[0].parent.name if given.series and given.series[0].paths else ""
    return shown(" · ".join(part for part in (given.description or folder, when) if part)) or "study"
