"""What the names of exported files and folders say of whom they show: patient and study, a pseudonym, or nothing.

Names of files are patient data like any header. Whoever hands files on gives a pseudonym instead.
"""

from __future__ import annotations

import hashlib
import unicodedata

from app.base.errors import ExportError
from app.core.person_name import readable
from app.core.volume import Series

_LONGEST = 50  # characters, of an ID and a study or of a pseudonym; whole paths must stay below 260 on Windows


def subject_of(series: Series) -> str:
    """Patient and study in a file's name: "HFN-0042_3fa91c07", "" where the header states neither.

    The patient's ID, else the name; then eight hexadecimal digits that stand for the study's UID, so that two
    patients whom two hospitals gave one ID are told apart.
    """
    patient = series.patient.id.strip() or readable(series.patient.name)
    study = _digest(series.study_uid) if series.study_uid else ""
    return "_".join(filter(None, (_plain(patient)[: _LONGEST - 9], study)))


def folder_of(series: Series) -> str:
    """The folder that belongs to this patient and study alone; without either, to the series."""
    return subject_of(series) or f"unnamed_{_digest(series.uid)}"


def stem(subject: str) -> str:
    """What all names of one export begin with: "fused", after the subject where there is one."""
    return f"{subject}_fused" if subject else "fused"


def check_subject(subject: str) -> None:
    """Raise ExportError where a file's name cannot hold it; "" is a name that says nothing."""
    if subject != _plain(subject):
        raise ExportError(
            f"{subject!r} cannot stand in a file's name.",
            f"Use letters, digits, - and _, at most {_LONGEST} of them.",
        )


def _plain(text: str) -> str:
    """Only what every file system takes: letters, digits, - and _ of any script, others as one -."""
    letters = (sign if sign.isalnum() or sign in "-_" else " " for sign in unicodedata.normalize("NFKC", text))
    return "-".join("".join(letters).split())[:_LONGEST]


def _digest(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:8]
