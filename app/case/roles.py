"""Who plays which part: the MRI (or what takes its place), its partner, and whether both are of one patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from app.base.errors import UsageError
from app.core.modalities import MODALITIES, modality_of
from app.core.volume import Series, Study

Role = Literal["mri", "partner"]


class DifferentPatientsError(UsageError):
    hint = "Check the two series. If they are of one patient all the same, say --different-patients or confirm it."

    def __init__(self, contradictions: Sequence[str]) -> None:
        super().__init__(f"The two series name different patients: {', '.join(contradictions)} contradict each other.")


def guess_roles(studies: Sequence[Study]) -> tuple[Series | None, Series | None]:
    """A good first choice of (MRI, partner); None where nothing suits.

    The MRI with the most slices among those that have a partner, and a PET, CT or SPECT of the same patient. A PET
    without attenuation correction is taken only where no corrected one is there (OHIF/Viewers#2898). Without an MRI, a
    CT or a visible picture takes its place; an infrared picture is a partner, one of the same name before others. Two
    series of unstated modality are taken in the order given.
    """
    readable = [series for study in studies for series in study.series if not series.problem]
    bases = bases_among(readable)
    if not bases:
        return None, (readable[0] if readable else None)

    def partner_of(base: Series) -> Series | None:
        others = [other for other in readable if other.uid != base.uid]
        others = [other for other in others if len(readable) == 2 or _one_patient(base, other)]
        others = [other for other in others if not base.patient.differs_from(other.patient)]
        suited = [other for other in others if modality_of(other.modality).partner_rank is not None]
        suited = suited or [other for other in others if not other.modality] or others
        return min(suited, key=lambda other: _preference(base, other), default=None)

    # max keeps the first of equals
    best = max(bases, key=lambda base: (partner_of(base) is not None, base.size[2] if base.modality else 0))
    return best, partner_of(best)


def why_no_partner(studies: Sequence[Study], base: Series) -> tuple[tuple[Series, str], ...]:
    """Each other series, and why `guess_roles` could not take it as the partner of `base`; () where there is none."""
    others = [series for study in studies for series in study.series if series.uid != base.uid]
    return tuple((other, _unsuited(base, other)) for other in others)


def _unsuited(base: Series, other: Series) -> str:
    contradictions = base.patient.differs_from(other.patient)
    if other.problem:
        return other.problem
    if contradictions:
        return f"it names another patient ({', '.join(contradictions)})"
    return "nothing says that it is of the same patient"


def bases_among(series: Sequence[Series]) -> list[Series]:
    """Those that can be fused onto: the MRIs; without any, what can take an MRI's place."""
    ranks = {member.uid: modality_of(member.modality).base_rank for member in series}
    best = min((rank for rank in ranks.values() if rank is not None), default=None)
    return [member for member in series if best is not None and ranks[member.uid] == best]


def partners_among(series: Sequence[Series]) -> list[Series]:
    """Those that can be fused with an MRI: all that are none; without any, the other MRIs."""
    return [member for member in series if modality_of(member.modality).base_rank != 0] or list(series)


def natural_role(series: Series, *, base_taken: bool) -> Role:
    """The role of a series that is opened alone, or double-clicked in the list.

    base_taken : whether something is the base already; a series of unstated modality becomes it only where nothing is
    """
    kind = modality_of(series.modality)
    only_base = kind.base_rank is not None and kind.partner_rank is None
    return "mri" if only_base and (series.modality or not base_taken) else "partner"


def _one_patient(base: Series, other: Series) -> bool:
    """Whether something says that both are of one patient: the study or folder, or the name and ID both state."""
    return base.study_uid == other.study_uid or (base.patient.known and other.patient.known)


def _preference(base: Series, partner: Series) -> tuple[bool, int, bool, int, bool]:
    """Lower is better."""
    rank = modality_of(partner.modality).partner_rank
    named_alike = partner.description == base.description
    return (
        partner.attenuation_corrected is False,
        len(MODALITIES) if rank is None else rank,
        partner.study_uid != base.study_uid,
        -partner.size[2],
        not named_alike,
    )


def check_patients(mri: Series, partner: Series) -> None:
    """Raise DifferentPatientsError where the two headers contradict each other."""
    contradictions = mri.patient.differs_from(partner.patient)
    if contradictions:
        raise DifferentPatientsError(contradictions)
