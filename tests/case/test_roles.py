"""Which series a study opens with: a good guess, and never one a reader would be misled by."""

import pytest

from app.case.roles import DifferentPatientsError, check_patients, guess_roles, why_no_partner
from app.core.volume import Patient, Series, Study

ANNA = Patient("7", "DOE^ANNA", "19700101", "F")


def series(uid: str, modality: str, *, slices: int = 100, **changes) -> Series:
    fields = {"patient": ANNA, "study_uid": "1"} | changes
    return Series(uid, modality, "", (), (64, 64, slices), (1.0, 1.0, 1.0), "LPS", "a.u.", "test", **fields)


def roles(*listed: Series) -> tuple[str | None, str | None]:
    mri, partner = guess_roles([Study(ANNA, "1", listed)])
    return mri and mri.uid, partner and partner.uid


def test_the_mri_with_most_slices_meets_the_pet():
    assert roles(
        series("localiser", "MR", slices=3), series("t1", "MR"), series("ct", "CT"), series("pet", "PT", slices=50)
    ) == ("t1", "pet")


def test_a_pet_without_attenuation_correction_yields_to_anything_corrected():
    nac = series("nac", "PT", slices=300, attenuation_corrected=False)
    assert roles(series("t1", "MR"), nac, series("ac", "PT", attenuation_corrected=True)) == ("t1", "ac")
    assert roles(series("t1", "MR"), nac, series("ct", "CT")) == ("t1", "ct")
    assert roles(series("t1", "MR"), nac) == ("t1", "nac")


def test_a_series_that_cannot_be_read_gets_no_role():
    assert roles(series("t1", "MR"), series("pet", "PT", problem="truncated")) == ("t1", None)


def test_another_patient_is_never_chosen():
    boris = Patient("8", "ROE^BORIS")
    assert roles(series("t1", "MR"), series("pet", "PT", patient=boris)) == ("t1", None)


def test_the_same_study_comes_before_an_older_one():
    assert roles(series("t1", "MR"), series("old", "PT", study_uid="0", slices=200), series("new", "PT")) == (
        "t1",
        "new",
    )


def test_without_an_mri_the_ct_takes_its_place():
    assert roles(series("pet", "PT"), series("ct", "CT")) == ("ct", "pet")


def test_two_series_of_unstated_modality_are_taken_in_the_order_given():
    assert roles(series("b", ""), series("a", "", slices=300)) == ("b", "a")


def test_nothing_to_choose_from_is_nothing():
    assert roles() == (None, None)


def test_contradicting_headers_stop():
    with pytest.raises(DifferentPatientsError, match="birth date"):
        check_patients(series("t1", "MR"), series("pet", "PT", patient=Patient("7", "DOE^ANNA", "19710101")))
    check_patients(series("t1", "MR"), series("pet", "PT"))


def test_a_file_that_names_nobody_is_not_paired_with_somebody_elses():
    nobody = series("t1", "MR", patient=Patient(), study_uid="folder a")
    assert roles(nobody, series("pet", "PT"), series("ct", "CT")) == ("t1", None)
    assert roles(nobody, series("pet", "PT")) == ("t1", "pet")  # just these two were opened


def test_an_mri_with_a_partner_comes_before_a_longer_one_without():
    boris = Patient("8", "ROE^BORIS")
    assert roles(
        series("long", "MR", slices=300, patient=boris, study_uid="2"), series("t1", "MR"), series("pet", "PT")
    ) == ("t1", "pet")


def test_every_series_that_is_no_partner_has_its_reason():
    base = series("t1", "MR")
    others = (
        series("broken", "PT", problem="It has no positions."),
        series("boris", "CT", patient=Patient("8", "ROE^BORIS")),
        series("nobody", "PT", patient=Patient(), study_uid="folder b"),
    )
    assert roles(base, *others) == ("t1", None)
    assert [(other.uid, why) for other, why in why_no_partner([Study(ANNA, "1", (base, *others))], base)] == [
        ("broken", "It has no positions."),
        ("boris", "it names another patient (patient ID, name)"),
        ("nobody", "nothing says that it is of the same patient"),
    ]
    assert why_no_partner([Study(ANNA, "1", (base,))], base) == ()
