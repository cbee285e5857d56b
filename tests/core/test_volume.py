"""Stored values, slopes per slice and who was imaged."""

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.volume import Patient, Series, Volume


def volume(**changes) -> Volume:
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    series = Series("1.2", "PT", "", (), (4, 3, 2), (1.0, 1.0, 1.0), "LPS", "Bq/mL", "test")
    fields = {
        "stored": stored,
        "slope": np.array([2.0, 0.5]),
        "intercept": np.array([0.0, -1.0]),
        "geometry": Geometry((4, 3, 2), np.eye(4)),
        "modality": "PT",
        "unit": "Bq/mL",
        "series": series,
    }
    return Volume(**(fields | changes))


def test_every_slice_has_its_own_slope():
    np.testing.assert_array_equal(volume().values(0)[0], [0, 2, 4, 6])
    np.testing.assert_array_equal(volume().values(1)[0], [5, 5.5, 6, 6.5])
    np.testing.assert_array_equal(volume().values()[1], volume().values(1))
    assert volume().values().dtype == np.float32


def test_a_probe_reads_the_voxel_that_holds_the_point():
    assert volume().value_at(np.array([1.49, -0.49, 0.2])) == 2.0  # voxel (1, 0, 0): stored 1, slope 2
    assert volume().value_at(np.array([3.4, 2.4, 1.4])) == 23 * 0.5 - 1
    assert volume().value_at(np.array([3.6, 0, 0])) is None
    assert volume().value_at(np.array([-0.51, 0, 0])) is None


def test_a_probe_on_padding_reads_nothing():
    valid = np.ones((2, 3, 4), bool)
    valid[0, 0, 1] = False
    assert volume(valid=valid).value_at(np.array([1.0, 0, 0])) is None


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        volume().stored[0, 0, 0] = 1


@pytest.mark.parametrize("changes", [{"unit": "furlongs"}, {"geometry": Geometry((4, 3, 3), np.eye(4))}])
def test_a_volume_that_contradicts_itself_is_a_bug(changes):
    with pytest.raises(ValueError, match=r"unit|grid"):
        volume(**changes)


def test_patients_differ_only_where_both_say_so():
    anna = Patient("7", "DOE^ANNA", "19700101", "F")
    assert anna.differs_from(Patient("7", "Doe^Anna^^", "", "")) == []
    assert anna.differs_from(Patient()) == []
    assert anna.differs_from(Patient("8", "DOE^ANNA", "19700101", "M")) == ["patient ID", "sex"]


def test_a_name_in_two_scripts_is_one_patients_where_the_id_says_so():
    latin, cyrillic = Patient("7", "Ivanov^Ivan"), Patient("7", "Иванов^Иван")
    assert latin.differs_from(cyrillic) == []
    assert Patient("", latin.name).differs_from(Patient("", cyrillic.name)) == ["name"]
    assert latin.differs_from(Patient("8", cyrillic.name)) == ["patient ID", "name"]


def test_a_name_with_more_groups_is_the_same_patients():
    short, long = Patient("7", "YAMADA^TAROU"), Patient("7", "Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert short.differs_from(long) == []
    assert short.is_same_as(long)
    assert not short.is_same_as(Patient("7", ""))
    assert not short.is_same_as(Patient("7", "YAMADA^HANAKO=山田^花子"))


def test_a_patient_is_not_printed_by_accident():
    assert "ANNA" not in f"{Patient('7', 'DOE^ANNA')!r} {Patient('7', 'DOE^ANNA')}"
