"""From the activity a PET scanner stored to the standardised uptake value by body weight (SUVbw, g/mL).

SUVbw = activity [Bq/mL] x weight [g] / (dose [Bq] x 2^(-dt / half-life)), dt from injection to the time that the stored
values are decay corrected to. Follows the vendor-neutral pseudo-code of the QIBA FDG-PET/CT profile. There are no
defaults: what is missing is named, and the values stay in their own unit.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.volume import Suv
from app.files.dicom.pet_facts import NoSuv, PetFacts
from app.files.dicom.pet_times import SeriesTimes, elapsed_s

SMALLEST_DOSE_BQ = 1e5  # below 0.1 MBq the header means another unit; the attribute is defined in Bq
HEAVIEST_KG = 700.0
UNITS = {"BQML": "Bq/mL", "CNTS": "counts", "PCNT": "%", "GML": "SUVbw"}
SUV_TYPES = {"BW": "SUVbw", "": "SUVbw", "LBM": "SUVlbm", "LBMJANMA": "SUVlbm", "LBMJAMES128": "SUVlbm"}
FORMULAS = {"LBM": "James or Janmahasatian, not stated", "LBMJANMA": "Janmahasatian", "LBMJAMES128": "James"}


def suv(facts: Sequence[PetFacts], times: SeriesTimes | None = None) -> tuple[str, Suv, tuple[str, ...]]:
    """The unit that values are given in, the factor to SUVbw per slice, and sentences for the reader.

    facts : of the slices of one volume; times : of its whole series, where it was split into several volumes
    The values are to be multiplied by the factor where there is one; the unit is then SUVbw.
    """
    units = {slice_.units for slice_ in facts}
    if len(units) != 1:
        reason = f"the slices state different Units (0054,1001): {', '.join(sorted(units))}"
        return "unknown", Suv(None, reason), (f"No SUV: {reason}.",)
    code = units.pop()
    if code == "GML":
        return _stated_suv(facts)
    unit = UNITS.get(code, "unknown")
    if len({bool(slice_.timezone) for slice_ in facts}) > 1:
        reason = "some slices state a time zone (0008,0201) and some do not"
        return unit, Suv(None, reason), (f"No SUV, values are in {_unit_words(unit, code)}: {reason}.",)
    times = times or SeriesTimes(facts)
    try:
        factors = tuple(_factor(slice_, times) for slice_ in facts)
    except NoSuv as error:
        return unit, Suv(None, str(error)), (f"No SUV, values are in {_unit_words(unit, code)}: {error}.",)
    method = "Philips SUV scale factor (7053,1000)" if _philips_scale(facts[0]) else "QIBA: weight / decayed dose"
    return "SUVbw", Suv(factors, method), ()


def _unit_words(unit: str, code: str) -> str:
    return f"an unknown unit (Units {code or 'absent'})" if unit == "unknown" else unit


def _stated_suv(facts: Sequence[PetFacts]) -> tuple[str, Suv, tuple[str, ...]]:
    kinds = {slice_.suv_type for slice_ in facts}
    kind = kinds.pop() if len(kinds) == 1 else "several"
    unit = SUV_TYPES.get(kind, "unknown")
    if unit == "unknown":
        reason = f"Units is GML with SUVType (0054,1006) {kind}, which is neither body weight nor lean body mass"
        return unit, Suv(None, reason), (f"No SUVbw: {reason}.",)
    if unit == "SUVlbm":
        reason = f"the values are SUV by lean body mass already ({FORMULAS[kind]}); they cannot be turned into SUVbw"
        return unit, Suv(None, reason), (f"SUV by lean body mass ({FORMULAS[kind]}), not by body weight.",)
    factors = (1.0,) * len(facts)
    if kind:
        return unit, Suv(factors, "stored as SUVbw (Units GML, SUVType BW)"), ()
    note = "Units is GML and SUVType (0054,1006) is absent: taken as SUV by body weight, which DICOM says it then is."
    return unit, Suv(factors, "stored as SUV (Units GML, SUVType absent, hence body weight)"), (note,)


def _philips_scale(facts: PetFacts) -> bool:
    return facts.units == "CNTS" and (facts.philips_suv or 0) > 0


def _factor(facts: PetFacts, times: SeriesTimes) -> float:
    if facts.units not in ("BQML", "CNTS"):
        raise NoSuv(f"Units (0054,1001) is {facts.units or 'absent'}, neither BQML nor CNTS nor GML")
    if not facts.corrected:
        raise NoSuv("CorrectedImage (0028,0051) is absent")
    if "ATTN" not in facts.corrected:
        raise NoSuv("the image is not attenuation corrected (CorrectedImage (0028,0051) lacks ATTN)")
    if _philips_scale(facts):
        return float(facts.philips_suv or 0)
    scale = 1.0
    if facts.units == "CNTS":
        if not (facts.philips_bqml or 0) > 0:
            raise NoSuv("the values are counts, and the Philips factors (7053,1000) and (7053,1009) are absent or 0")
        scale = float(facts.philips_bqml or 0)
    return scale * _weight_g(facts) / decayed_dose_bq(facts, times)


def _weight_g(facts: PetFacts) -> float:
    if not (facts.weight_kg or 0) > 0:
        raise NoSuv("PatientWeight (0010,1030) is missing or 0")
    if float(facts.weight_kg or 0) > HEAVIEST_KG:
        raise NoSuv(f"PatientWeight (0010,1030) is {facts.weight_kg:g} kg, which cannot be")
    return 1000 * float(facts.weight_kg or 0)


def decayed_dose_bq(facts: PetFacts, times: SeriesTimes) -> float:
    """The dose left at the time that this slice's values are decay corrected to, Bq.

    Raises
    ------
    NoSuv : an element is missing, or the times contradict each other
    """
    if facts.tracers > 1:
        raise NoSuv("two tracers are listed (0054,0016), so that the dose is not one number")
    dose, half_life = facts.dose_bq, facts.half_life_s
    if not (dose or 0) > 0:
        raise NoSuv("RadionuclideTotalDose (0018,1074) is missing or 0")
    if float(dose or 0) < SMALLEST_DOSE_BQ:
        raise NoSuv(f"RadionuclideTotalDose (0018,1074) is {dose:g} Bq, too little: it may be meant in MBq")
    if not (half_life or 0) > 0:
        raise NoSuv("RadionuclideHalfLife (0018,1075) is missing or 0")
    correction = facts.decay_correction
    if correction not in ("START", "ADMIN", "NONE"):
        raise NoSuv(f"DecayCorrection (0054,1102) is {correction or 'absent'}, neither START nor ADMIN nor NONE")
    if correction != "NONE" and "DECY" not in facts.corrected:
        raise NoSuv(f"DecayCorrection says {correction}, but CorrectedImage (0028,0051) lacks DECY")
    if correction == "ADMIN":  # the values are those at injection: nothing to decay
        return float(dose or 0)
    return float(dose or 0) * 2 ** (-elapsed_s(facts, times) / float(half_life or 0))
