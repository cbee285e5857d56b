"""The list of studies grows; what is found again is replaced, and two patients of one UID stay apart."""

from __future__ import annotations

from dataclasses import replace

from app.case.study_list import joined
from app.core.volume import Study
from tests.scenes import ANNA, BERT, series

MR, CT = series("MR", (8, 8, 4), "a.u."), series("CT", (8, 8, 4), "HU")


def test_what_is_found_again_replaces_what_it_was_and_the_rest_stays():
    again = replace(MR, description="copied again")
    studies, fresh = joined((Study(ANNA, "1", (MR, CT)),), (Study(ANNA, "1", (again,)),))
    assert [study.series for study in studies] == [(CT, again)]
    assert [study.series for study in fresh] == [(again,)]


def test_two_patients_of_one_uid_stay_apart_the_same_way_each_time():
    first = (Study(ANNA, "1", (MR,)),)
    other = Study(BERT, "1", (replace(MR, patient=BERT),))
    studies, fresh = joined(first, (other,))
    assert [entry.series[0].uid for entry in studies] == [MR.uid, f"{MR.uid}#copy2"]
    assert joined(studies, (other,))[1] == fresh
