"""Opening: what lies under paths comes into the list, a pair into the roles, and every failure is told."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from app.base.errors import InputError
from app.case import pipeline
from app.core.volume import Series, Study, Volume
from app.files import readers
from app.files.scan_result import Skipped
from app.ui.flow.opening import Opening
from app.ui.flow.workspace import Workspace
from tests.scenes import ANNA, BERT, volume
from tests.waiting import wait_until


@dataclass
class Disk:
    """Volumes by path, standing in for files; `broken` paths fail when they are read."""

    volumes: dict[str, Volume] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    reads: list[str] = field(default_factory=list)

    def put(self, name: str, one: Volume, **changes: object) -> Series:
        series = replace(one.series, uid=name, description=name, **changes)
        self.volumes[name] = replace(one, series=series)
        return series

    def scan(self, paths, progress):
        series = tuple(self.volumes[path.name].series for path in paths if path.name in self.volumes)
        skipped = tuple(Skipped(path, "this is no image") for path in paths if path.name not in self.volumes)
        return readers.Scan((Study(ANNA, "study", series),) if series else (), skipped)

    def read(self, series, progress):
        self.reads.append(series.uid)
        if series.uid in self.broken:
            raise InputError("Truncated.", "Copy it again.")
        return self.volumes[series.uid]


@pytest.fixture
def disk(monkeypatch):
    one = Disk()
    shape = (4, 8, 8)
    one.put("mr", volume(np.full(shape, 100, np.int16)))
    one.put("pet", volume(np.full(shape, 5, np.int16), modality="PT", unit="SUVbw"))
    one.put("pet-nac", volume(np.full(shape, 5, np.int16), modality="PT", unit="Bq/mL"), attenuation_corrected=False)
    one.put("ct", volume(np.full(shape, 40, np.int16), modality="CT", unit="HU"), warnings=("A slice is missing.",))
    monkeypatch.setattr(pipeline, "open_study", one.scan)
    monkeypatch.setattr(readers, "read", one.read)
    return one


@pytest.fixture
def opening(qapp, disk):
    workspace = Workspace()
    one = Opening(workspace, palette_of=lambda modality: {"CT": "Grey"}.get(modality, "PET"))
    one.told = []
    one.noticed.connect(one.told.append)
    yield one
    workspace.tasks.stop()


def _open(opening, *names):
    opening.open([Path(name) for name in names])
    wait_until(lambda: not opening.workspace.tasks.busy, "opening")
    return opening.workspace.case


def test_a_pair_gets_both_roles_and_its_palette(opening):
    case = _open(opening, "mr", "pet-nac", "pet")
    assert (case.mri.series.uid, case.partner.series.uid) == ("mr", "pet")  # never the uncorrected one
    assert opening.workspace.case.palette == "PET"
    assert not opening.workspace.can_undo  # nothing the reader did


def test_two_files_opened_one_after_the_other_become_a_pair(opening):
    assert _open(opening, "mr").partner is None
    case = _open(opening, "ct")
    assert (case.mri.series.uid, case.partner.series.uid) == ("mr", "ct")
    assert [one.uid for study in case.studies for one in study.series] == ["mr", "ct"]


def test_a_partner_alone_is_shown_as_a_partner(opening):
    case = _open(opening, "pet")
    assert case.mri is None
    assert case.partner.series.uid == "pet"


def test_a_series_opened_beside_a_pair_takes_the_fitting_role(opening):
    _open(opening, "mr", "pet")
    assert _open(opening, "ct").partner.series.uid == "ct"


def test_choosing_the_other_role_s_series_swaps_them_without_reading_again(opening, disk):
    _open(opening, "mr", "pet")
    opening.choose("mri", opening.chosen["partner"])
    case = opening.workspace.case
    assert (case.mri.series.uid, case.partner.series.uid) == ("pet", "mr")
    assert disk.reads == ["mr", "pet"]


def test_a_new_choice_blanks_the_old_picture_at_once(opening, disk):
    _open(opening, "mr", "pet")
    opening.choose("partner", disk.volumes["ct"].series)
    assert opening.workspace.case.partner is None  # being read: nothing old is shown meanwhile
    wait_until(lambda: opening.workspace.case.partner is not None)
    assert opening.workspace.case.partner.series.uid == "ct"


def test_choices_made_faster_than_reading_end_at_the_last(opening, disk):
    _open(opening, "mr", "pet")
    for name in ("ct", "pet-nac", "ct", "pet-nac"):
        opening.choose("partner", disk.volumes[name].series)
    wait_until(lambda: not opening.workspace.tasks.busy)
    assert opening.workspace.case.partner.series.uid == "pet-nac"


def test_warnings_of_a_series_are_told_when_it_is_opened(opening):
    _open(opening, "mr", "ct")
    assert any("A slice is missing." in one.text and one.kind == "warning" for one in opening.told)


def test_what_holds_no_image_is_told_with_the_first_reason(opening):
    case = _open(opening, "notes.txt")
    assert case.studies == ()
    assert [one.path.name for one in case.skipped] == ["notes.txt"]
    assert "notes.txt: no image that can be read." in opening.told[-1].text
    assert "this is no image" in opening.told[-1].hint
    assert isinstance(opening.failed, InputError)


def test_a_file_that_breaks_while_being_read_leaves_its_role_empty(opening, disk):
    disk.broken.add("pet")
    case = _open(opening, "mr", "pet")
    assert case.mri is not None
    assert case.partner is None
    assert opening.chosen["partner"] is None
    assert opening.told[-1].text == "Truncated."


def test_a_series_that_cannot_be_read_leaves_the_working_one_in_place(opening, disk):
    before = _open(opening, "mr", "pet")
    disk.broken.add("ct")
    opening.choose("partner", disk.put("ct", volume(np.full((4, 8, 8), 40, np.int16), modality="CT", unit="HU")))
    wait_until(lambda: not opening.workspace.tasks.busy)
    case = opening.workspace.case
    assert (case.mri, case.partner) == (before.mri, before.partner)
    assert opening.chosen["partner"].uid == "pet"
    assert (opening.told[-1].text, opening.told[-1].kind) == ("Truncated.", "error")
    assert opening.told[-1].hint == "Copy it again. What was shown before stays."


def test_the_partner_of_another_mri_does_not_come_back(opening, disk):
    _open(opening, "mr", "pet")
    disk.put("mr2", volume(np.full((4, 8, 8), 90, np.int16)))
    disk.broken.add("ct")
    _open(opening, "mr2", "ct")
    assert opening.workspace.case.mri.series.uid == "mr2"
    assert opening.workspace.case.partner is None
    assert opening.chosen["partner"] is None


def test_a_partner_left_empty_is_told_with_each_reason(opening, disk):
    disk.put("boris", volume(np.full((4, 8, 8), 5, np.int16), modality="PT", unit="SUVbw"), patient=BERT)
    _open(opening, "mr", "boris")
    text = opening.told[-1].text
    assert text.startswith("No partner was chosen. PT  boris: it names another patient (patient ID, name")
    settled = []
    opening.topic_cleared.connect(settled.append)
    _open(opening, "pet")
    assert opening.workspace.case.partner.series.uid == "pet"
    assert opening.told[-1].topic in settled


def test_a_series_with_a_problem_is_refused_with_its_sentence(opening, disk):
    series = disk.put("scout", volume(np.zeros((1, 4, 4), np.int16)), problem="It has no positions.")
    opening.choose("mri", series)
    assert opening.chosen["mri"] is None
    assert opening.told[-1].text == "It has no positions."


def test_closing_forgets_everything(opening):
    _open(opening, "mr", "pet")
    opening.close_all()
    case = opening.workspace.case
    assert (case.mri, case.partner, case.studies, case.skipped) == (None, None, (), ())


def test_two_patients_in_one_study_stay_apart_in_the_list(opening, disk, monkeypatch):
    """Copies that were made anonymous keep their study's UID: no series may stand under another's name."""
    theirs = disk.put("theirs", volume(np.zeros((4, 8, 8), np.int16), patient=BERT))
    mine = disk.volumes["mr"].series
    scan = readers.Scan((Study(ANNA, "study", (mine,)), Study(BERT, "study", (theirs,))), ())
    monkeypatch.setattr(pipeline, "open_study", lambda paths, progress: scan)
    case = _open(opening, "both")
    assert [(study.patient, [one.uid for one in study.series]) for study in case.studies] == [
        (ANNA, ["mr"]),
        (BERT, ["theirs"]),
    ]


def test_two_series_of_one_uid_can_both_be_chosen(opening, disk, monkeypatch):
    """Opened one after the other, from two patients: the list finds each by its own name."""
    _open(opening, "mr")
    theirs = replace(disk.volumes["mr"].series, patient=BERT)
    scan = readers.Scan((Study(BERT, "another", (theirs,)),), ())
    monkeypatch.setattr(pipeline, "open_study", lambda paths, progress: scan)
    for _ in range(2):  # opened again, it is the same one
        case = _open(opening, "theirs")
        uids = [one.uid for study in case.studies for one in study.series]
        assert uids == ["mr", "mr#copy2"]
        assert case.series("mr").patient == ANNA
        assert case.series("mr#copy2").patient == BERT


def test_what_is_opened_again_is_read_again(opening, disk):
    """The files may have changed meanwhile, or others of the same name have the same beginning."""
    _open(opening, "mr", "pet")
    disk.put("mr", volume(np.full((4, 8, 8), 200, np.int16)))
    assert _open(opening, "mr", "pet").mri.stored.max() == 200


def test_a_study_found_in_the_moment_of_closing_does_not_come_back(opening, disk, monkeypatch):
    found, scan = threading.Event(), disk.scan

    def scan_and_tell(paths, progress):
        found.set()
        return scan(paths, progress)

    monkeypatch.setattr(pipeline, "open_study", scan_and_tell)
    opening.open([Path("mr")])
    assert found.wait(10)
    time.sleep(0.1)  # the worker has ended and posted its answer; no event was handled since
    opening.close_all()
    wait_until(lambda: not opening.workspace.tasks.busy)
    assert opening.workspace.case.studies == ()
    assert opening.chosen == {"mri": None, "partner": None}


def test_a_failure_keeps_nothing_of_what_was_being_read(opening, disk, monkeypatch):
    gone = []

    def read(series, progress):
        pixels = volume(np.zeros((2, 3, 4), np.int16))
        gone.append(weakref.ref(pixels))
        raise InputError("Truncated.", "Copy it again.")

    monkeypatch.setattr(readers, "read", read)
    _open(opening, "mr")
    gc.collect()
    assert str(opening.failed) == "Truncated."
    assert gone[0]() is None


# Layers --------------------------------------------------------------------------------------------------------


def _layer(opening, name):
    opening.show_as_layer(opening.workspace.case.series(name))
    wait_until(lambda: not opening.workspace.tasks.busy, "the layer")
    return opening.workspace.case


def test_a_third_series_is_read_and_lies_over_the_pair(opening, disk):
    _open(opening, "mr", "pet", "ct")
    case = _layer(opening, "ct")
    assert [layer.uid for layer in case.overlays] == ["ct"]
    assert (case.base_uid, case.partner_uid) == ("mr", "pet")
    assert case.overlays[0].palette == "Grey"
    assert disk.reads == ["mr", "pet", "ct"]
    assert opening.told[-1].topic == "layer"  # nothing says where it lies
    opening.workspace.change_layer("ct", visible=False)
    assert _layer(opening, "ct").overlays
    assert disk.reads == ["mr", "pet", "ct"]  # it was at hand


def test_a_series_of_the_pair_and_one_that_cannot_be_read_are_no_layers(opening, disk):
    _open(opening, "mr", "pet", "ct")
    assert _layer(opening, "pet").overlays == ()
    assert "part of the pair already" in opening.told[-1].text
    disk.broken.add("ct")
    assert _layer(opening, "ct").overlays == ()
    assert opening.told[-1].kind == "error"


def test_a_pair_seen_before_is_not_read_again_and_keeps_its_windows(opening, disk):
    _open(opening, "mr", "pet", "ct")
    opening.workspace.change_layer("partner", window=(3.0, 6.0))
    for name in ("ct", "pet"):
        opening.choose("partner", opening.workspace.case.series(name))
        wait_until(lambda: not opening.workspace.tasks.busy)
    assert disk.reads == ["mr", "pet", "ct"]
    assert opening.workspace.case.partner_layer.window == (3.0, 6.0)
