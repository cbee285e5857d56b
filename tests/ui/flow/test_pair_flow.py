"""From two volumes to fused slices: what starts by itself, what is dropped, what is kept."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from app.base.assets import model_weights
from app.base.errors import RegistrationError
from app.case import alignment, fusing
from app.core.transforms import rigid
from app.core.values import FusionWindow
from app.core.volume import Volume
from app.fusion import manifest, registry, weights
from app.registration import register as registration
from app.registration.verdict import Verdict
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from app.ui.panels.fusion_panel import FusionPanel
from app.view.state import at_slice
from tests.scenes import BERT, head
from tests.ui.slow_network import STEP_S, STEPS, Slow
from tests.waiting import wait_until

FOUND = rigid((0, 0, 3), (2, 0, 0))


def _in_frame(volume: Volume, frame: str, **changes: object) -> Volume:
    return replace(volume, series=replace(volume.series, frame_of_reference_uid=frame, **changes))


@pytest.fixture(scope="module")
def volumes():
    return head(size=48, slices=12)


@pytest.fixture
def flow(qapp):
    workspace = Workspace()
    one = PairFlow(workspace)
    one.told = []
    one.noticed.connect(one.told.append)
    yield one
    workspace.tasks.stop()


@pytest.fixture
def registered(monkeypatch):
    """An automatic registration that answers at once, and notes the start it was given."""
    starts = []

    def register(fixed, moving, *, start=None, progress):
        starts.append(start)
        progress(0.5, "0.4 nats")
        there = registration.identity(fixed, moving)
        return replace(there, fixed_to_moving=FOUND, verdict=Verdict.UNVERIFIED, method="automatic")

    monkeypatch.setattr(registration, "register", register)
    return starts


def _give(flow: PairFlow, mri: Volume, partner: Volume) -> None:
    flow.workspace.set_case(mri=mri, partner=partner)


def _settle(flow: PairFlow):
    wait_until(lambda: not flow.pending, "the flow to settle")
    return flow.workspace.case


def test_one_frame_of_reference_is_fused_as_the_headers_say(flow, volumes, registered):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    case = _settle(flow)
    assert registered == []
    assert case.registration.verdict is Verdict.HEADER_ALIGNED
    assert case.stack.complete
    assert case.stack.aligned is case.aligned
    assert not flow.workspace.can_undo


@pytest.mark.parametrize("frames", [("", ""), ("1.2.3", "")])
def test_what_may_already_lie_right_is_left_there_and_said_to_be_unverified(flow, volumes, registered, frames):
    _give(flow, *(_in_frame(volume, frame) for volume, frame in zip(volumes, frames, strict=True)))
    case = _settle(flow)
    assert registered == []
    assert (case.registration.method, case.registration.verdict) == ("coordinates", Verdict.UNVERIFIED)
    np.testing.assert_array_equal(case.stack.aligned.registration.fixed_to_moving, np.eye(4))
    assert any("left as it stands" in notice.text for notice in flow.told)


def _frames_apart(volumes) -> list[Volume]:
    return [_in_frame(volume, frame) for volume, frame in zip(volumes, ("1.2.3", "1.2.4"), strict=True)]


def test_other_frames_are_registered_and_stay_unverified(flow, volumes, registered):
    _give(flow, *_frames_apart(volumes))
    case = _settle(flow)
    assert registered == [None]
    assert case.registration.verdict is Verdict.UNVERIFIED
    np.testing.assert_array_equal(case.stack.aligned.registration.fixed_to_moving, FOUND)
    assert any("registering them automatically" in one.text for one in flow.told)


def test_one_click_registers_a_header_aligned_pair_all_the_same(flow, volumes, registered):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    flow.register()
    assert _settle(flow).registration.method == "automatic"
    assert registered == [None]


def test_registering_again_starts_from_where_the_reader_put_it(flow, volumes, registered):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    by_hand = rigid((0, 0, 0), (5, 0, 0))
    flow.realign(by_hand)
    flow.register()
    _settle(flow)
    np.testing.assert_array_equal(registered[0], by_hand)


def test_confirming_is_recorded_and_computes_nothing_again(flow, volumes, registered):
    _give(flow, *_frames_apart(volumes))
    before = _settle(flow)
    flow.confirm()
    after = flow.workspace.case
    assert after.registration.verdict is Verdict.REGISTERED
    assert after.registration.confirmed_by
    assert datetime.fromisoformat(after.registration.confirmed_at).tzinfo is not None
    assert after.registration.stopped is before.registration.stopped
    assert after.stack.fused is before.stack.fused
    assert after.stack.aligned.registration is after.registration  # so that an export says so too
    assert not flow.pending


def test_confirming_while_slices_are_fused_lets_them_go_on(flow, volumes, monkeypatch):
    gate, real = threading.Event(), fusing.fuse_pair

    def slow(aligned, request, *, on_slice, progress, **more):
        def told(stack, k):
            on_slice(stack, k)
            if not gate.is_set() and stack.done.sum() == 2:
                gate.wait(20)

        return real(aligned, request, on_slice=told, progress=progress, **more)

    monkeypatch.setattr(fusing, "fuse_pair", slow)
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    wait_until(lambda: flow.workspace.case.stack is not None and flow.workspace.case.stack.done.sum() == 2)
    flow.confirm()
    assert flow.workspace.case.stack is not None
    gate.set()
    case = _settle(flow)
    assert case.stack.complete
    assert case.stack.aligned.registration.verdict is Verdict.REGISTERED


def test_a_nudge_blanks_the_fusion_at_once_and_fuses_anew_when_calm(flow, volumes):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    before = _settle(flow)
    flow.realign(rigid((0, 0, 0), (3, 0, 0)))
    assert flow.workspace.case.stack is None
    assert flow.workspace.case.registration.verdict is Verdict.UNVERIFIED
    after = _settle(flow)
    assert after.stack.key != before.stack.key
    flow.workspace.undo()
    again = _settle(flow)
    assert again.stack.key == before.stack.key
    np.testing.assert_array_equal(again.stack.fused, before.stack.fused)


@pytest.mark.parametrize("change", [{"network": "maximum"}, {"mri_fusion_window": FusionWindow(0, 50, "a.u.")}])
def test_another_network_or_fusion_window_fuses_anew_without_aligning_again(flow, volumes, change):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    before = _settle(flow)
    flow.workspace.set_case(**change)
    assert flow.workspace.case.stack is None
    after = _settle(flow)
    assert after.aligned is before.aligned
    assert after.stack.complete
    assert after.stack.key != before.stack.key


def test_a_finished_fusion_is_there_at_once_when_its_network_is_chosen_again(flow, volumes):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    before = _settle(flow)
    flow.workspace.set_case(network="maximum")
    _settle(flow)
    flow.workspace.set_case(network=before.network)
    assert flow.workspace.case.stack.complete  # before any event was worked off
    assert flow.workspace.case.stack.fused is before.stack.fused


def test_a_change_of_mind_while_fusing_leaves_only_the_last_answer(flow, volumes):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    for network in ("maximum", "laplacian", "average", "maximum"):
        flow.workspace.set_case(network=network)
    assert _settle(flow).stack.request.network == "maximum"


def _endless(fixed, moving, *, start=None, progress):
    while True:
        progress(0.1, "0.1 nats")
        threading.Event().wait(0.005)


def test_a_cancelled_registration_leaves_the_start_and_fuses_that(flow, volumes, monkeypatch):
    monkeypatch.setattr(registration, "register", _endless)
    _give(flow, *_frames_apart(volumes))
    wait_until(lambda: flow.registering)
    assert flow.workspace.case.stack is None
    assert not flow.can_go_on
    flow.workspace.tasks.cancel_all()
    case = _settle(flow)
    assert case.registration.method == "identity"
    assert case.registration.verdict is Verdict.UNVERIFIED
    assert case.stack is not None
    assert any("cancelled" in one.text for one in flow.told)


def test_a_failed_registration_is_told_and_leaves_the_start(flow, volumes, monkeypatch):
    def fail(fixed, moving, *, start=None, progress):
        raise RegistrationError("The PET is empty.", "Choose another.")

    monkeypatch.setattr(registration, "register", fail)
    _give(flow, *_frames_apart(volumes))
    case = _settle(flow)
    assert case.registration.method == "identity"
    assert case.stack.complete
    assert any(one.text == "The PET is empty." and one.kind == "error" for one in flow.told)


def test_a_cancelled_fusion_goes_on_only_when_asked(flow, volumes, monkeypatch):
    gate, real = threading.Event(), fusing.fuse_pair

    def stuck(aligned, request, *, progress, **more):
        while not gate.is_set():
            progress(0.0)
            gate.wait(0.005)
        return real(aligned, request, progress=progress, **more)

    monkeypatch.setattr(fusing, "fuse_pair", stuck)
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    wait_until(lambda: any(one.key == "fuse" for one in flow.workspace.tasks.running))
    flow.workspace.tasks.cancel_all()
    assert _settle(flow).stack is None
    gate.set()
    flow.go_on()
    assert _settle(flow).stack.complete


@pytest.fixture
def slow(monkeypatch):
    """A network of 1 s a slice, which can run like the classical ones."""
    spec = registry.NetworkSpec("slow", "Slow", "tests.ui.slow_network", "Slow", None)
    monkeypatch.setattr(registry, "NETWORKS", (*registry.NETWORKS, spec))
    monkeypatch.setattr(Slow, "done", 0)
    return spec


def _messages(flow: PairFlow) -> list[str]:
    told: list[str] = []
    flow.workspace.tasks.changed.connect(lambda running: told.extend(one.message for one in running))
    return told


def test_cancel_acts_in_the_middle_of_a_slow_slice(flow, volumes, slow, monkeypatch):
    flow.workspace.set_case(network="slow")
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    panel = FusionPanel(flow.workspace, flow)
    wait_until(lambda: Slow.done > 10)
    assert not panel.again.isEnabled()
    flow.workspace.tasks.cancel_all()
    case = _settle(flow)
    assert Slow.done < STEPS  # of the first slice
    assert case.stack is None
    assert panel.told.text() == "0 of 12 axial slices fused, then stopped"
    assert panel.again.isEnabled()
    panel.again.click()
    assert not panel.again.isEnabled()
    flow.workspace.tasks.cancel_all()
    _settle(flow)
    monkeypatch.setattr(registration, "register", _endless)
    flow.register()
    wait_until(lambda: flow.registering)
    assert not panel.again.isEnabled()  # the registration's end begins what is missing
    flow.workspace.tasks.cancel_all()
    _settle(flow)
    flow.workspace.set_case(network="average")
    assert _settle(flow).stack.complete
    assert not panel.again.isEnabled()
    panel.close()


def test_another_question_ends_a_slow_slice_and_its_answer_is_not_shown(flow, volumes, slow):
    flow.workspace.set_case(network="slow")
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    wait_until(lambda: Slow.done > 10)
    flow.workspace.set_case(network="average")
    case = _settle(flow)
    assert case.stack.request.network == "average"
    assert case.stack.complete
    assert Slow.done < STEPS
    assert list(flow.times.known) == ["average cpu 48x48"]


def test_the_slice_in_view_comes_first_and_the_time_left_is_told_at_once(flow, volumes, slow):
    told, fused = _messages(flow), []
    flow.times.known["slow cpu 48x48"] = 30_000.0  # a slower day
    flow.workspace.slice_fused.connect(fused.append)
    flow.workspace.set_case(network="slow")
    mri, partner = (_in_frame(one, "1.2.3") for one in volumes)
    _give(flow, mri, partner)
    flow.workspace.update(**at_slice(flow.workspace.state, mri.geometry, 3, 2))
    panel = FusionPanel(flow.workspace, flow)
    wait_until(lambda: len(fused) == 3)
    assert panel.told.text().splitlines()[0].endswith(" left")
    flow.workspace.tasks.cancel_all()
    _settle(flow)
    assert panel.told.text().splitlines()[0] == "3 of 12 axial slices fused on cpu, then stopped"
    panel.close()
    assert fused == [3, 2, 4]
    assert "0 of 12 slices, about 6 min left" in told  # 12 times 30 s
    assert any(one.startswith("2 of 12 slices, about ") and one.endswith(" left") for one in told)
    measured = flow.times.known["slow cpu 48x48"]
    assert measured >= 1000 * STEPS * STEP_S
    assert measured != 30_000


def test_a_stopped_fusion_goes_on_with_the_slices_that_are_left(flow, volumes, slow):
    told, fused = _messages(flow), []
    flow.workspace.slice_fused.connect(fused.append)
    flow.workspace.set_case(network="slow")
    mri, partner = (_in_frame(one, "1.2.3") for one in volumes)
    _give(flow, mri, partner)
    flow.workspace.update(**at_slice(flow.workspace.state, mri.geometry, 3, 2))
    wait_until(lambda: len(fused) == 2)
    flow.workspace.tasks.cancel_all()
    before = _settle(flow).stack
    told.clear()
    flow.go_on()
    wait_until(lambda: len(fused) == 3)
    flow.workspace.tasks.cancel_all()
    stack = _settle(flow).stack
    assert fused == [3, 2, 4]
    assert any(one.startswith("2 of 12 slices") for one in told)
    assert np.flatnonzero(before.done).tolist() == [2, 3]
    assert np.flatnonzero(stack.done).tolist() == [2, 3, 4]
    np.testing.assert_array_equal(stack.fused[2:4], before.fused[2:4])
    assert stack.key == before.key


def test_quick_networks_speak_of_no_time_left(flow, volumes):
    told = _messages(flow)
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    assert _settle(flow).stack.slice_s > 0
    assert flow.times.known["average cpu 48x48"] == pytest.approx(1000 * flow.workspace.case.stack.slice_s)
    assert not any("left" in one for one in told)


@pytest.mark.parametrize("damage", ["altered", "missing", "unknown"])
def test_refused_weights_are_told_and_the_program_goes_on_with_what_is_left(
    flow, volumes, tmp_path, monkeypatch, damage
):
    folder = Path(shutil.copytree(model_weights(), tmp_path / "weights"))
    path = folder / "lightfusionnet.safetensors"
    expected = manifest.read_manifest(folder)["lightfusionnet"]["sha256"]
    monkeypatch.setattr(registry, "model_weights", lambda: folder)
    if damage == "missing":
        path.unlink()
    elif damage == "unknown":
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
    else:
        path.write_bytes(b"other weights")
    refused = []
    flow.network_refused.connect(refused.append)
    flow.workspace.set_case(network="lightfusionnet")
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    case = _settle(flow)
    left = next(spec for spec in registry.NETWORKS if spec.name != "lightfusionnet" and spec in registry.available())
    assert refused == ["lightfusionnet"]
    assert case.network == case.stack.request.network == flow.stand_in == left.name
    assert case.stack.complete
    (told,) = (one for one in flow.told if one.kind == "error")
    assert str(path) in told.text
    assert told.hint.endswith(f"{left.title} is used instead.")
    if damage != "missing":
        assert weights.sha256_of(path) in told.text
    if damage == "altered":
        assert expected in told.text


def test_two_patients_are_neither_aligned_nor_fused_until_confirmed(flow, volumes):
    mri, partner = volumes
    _give(flow, _in_frame(mri, "1.2.3"), _in_frame(partner, "1.2.3", patient=BERT))
    case = _settle(flow)
    assert case.stopped
    assert (case.registration, case.aligned, case.stack) == (None, None, None)
    flow.workspace.set_case(different_patients_confirmed=True)
    assert _settle(flow).stack.complete


def test_back_to_the_header_forgets_the_hand(flow, volumes):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    flow.realign(rigid((0, 0, 4), (3, 0, 0)))
    flow.reset_alignment()
    case = _settle(flow)
    assert case.registration.method == "header"
    np.testing.assert_array_equal(case.registration.fixed_to_moving, np.eye(4))


def test_a_transform_survives_saving_and_loading(flow, volumes, tmp_path):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    matrix = rigid((1, -2, 3), (4, 5, -6))
    flow.realign(matrix)
    flow.save_transform(tmp_path / "t.tfm")
    _settle(flow)
    flow.reset_alignment()
    flow.load_transform(tmp_path / "t.tfm")
    case = _settle(flow)
    np.testing.assert_allclose(case.registration.fixed_to_moving, matrix, atol=1e-9)
    assert case.registration.method == "file"
    assert case.registration.verdict is Verdict.UNVERIFIED


def test_a_file_that_is_no_transform_is_told(flow, volumes, tmp_path):
    (tmp_path / "t.tfm").write_text("hello", encoding="utf-8")
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    flow.load_transform(tmp_path / "t.tfm")
    _settle(flow)
    assert flow.told[-1].kind == "error"
    assert "t.tfm" in flow.told[-1].text


def test_a_transform_loaded_for_a_pair_is_not_given_to_the_next(flow, volumes, tmp_path):
    _give(flow, *(_in_frame(one, "1.2.3") for one in volumes))
    _settle(flow)
    flow.realign(FOUND)
    flow.save_transform(tmp_path / "t.tfm")
    _settle(flow)
    flow.load_transform(tmp_path / "t.tfm")
    next_pair = [_in_frame(one, "4.5.6") for one in volumes]
    there = registration.identity(*next_pair)
    flow.workspace.set_case(mri=next_pair[0], partner=next_pair[1], registration=there)
    case = _settle(flow)
    assert case.registration is there


# Pairs that come back ------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch, registered):
    """How often the heavy steps ran, by name; registration answers at once."""
    counts = {"align": 0, "fuse": 0}

    def counting(name, real):
        def run(*args, **kwargs):
            counts[name] += 1
            return real(*args, **kwargs)

        return run

    monkeypatch.setattr(alignment, "align", counting("align", alignment.align))
    monkeypatch.setattr(fusing, "fuse_pair", counting("fuse", fusing.fuse_pair))
    return lambda: (len(registered), counts["align"], counts["fuse"])


def test_a_pair_seen_before_shows_its_fusion_at_once_and_nothing_is_computed_again(flow, volumes, counted):
    mri, pet = (_in_frame(volume, frame) for volume, frame in zip(volumes, ("1.1", "1.2"), strict=True))
    ct = _in_frame(head(size=48, slices=12, seed=1)[0], "1.3")
    _give(flow, mri, pet)
    first = _settle(flow)
    flow.confirm()
    flow.workspace.set_case(partner=ct)
    second = _settle(flow)
    assert counted() == (2, 2, 2)
    for partner, seen in ((pet, first), (ct, second), (pet, first)):
        flow.workspace.set_case(partner=partner)
        back = flow.workspace.case
        assert back.stack.fused is seen.stack.fused
        assert back.stack.complete
    assert back.registration.verdict is Verdict.REGISTERED  # as it was left
    flow.workspace.set_case(network="maximum")
    _settle(flow)
    flow.workspace.set_case(network="average")
    assert flow.workspace.case.stack.fused is first.stack.fused
    _settle(flow)
    assert counted() == (2, 2, 3)


def test_a_pet_follows_its_ct_onto_the_mri_without_a_search(flow, volumes, registered):
    mri, pet = (_in_frame(volume, frame) for volume, frame in zip(volumes, ("1.1", "1.2"), strict=True))
    ct = _in_frame(head(size=48, slices=12, seed=1)[0], "1.2")
    _give(flow, mri, ct)
    _settle(flow)
    flow.workspace.set_case(partner=pet)
    case = _settle(flow)
    assert len(registered) == 1
    assert case.registration.method == "linked"
    np.testing.assert_allclose(case.aligned.registration.fixed_to_moving, FOUND)
    assert case.stack.complete


def test_a_pair_left_while_it_is_registered_is_registered_when_it_comes_back(flow, volumes, monkeypatch):
    mri, pet = (_in_frame(volume, frame) for volume, frame in zip(volumes, ("1.1", "1.2"), strict=True))
    with monkeypatch.context() as patch:
        patch.setattr(registration, "register", _endless)
        _give(flow, mri, pet)
        wait_until(lambda: flow.registering)
        flow.workspace.set_case(partner=_in_frame(head(size=48, slices=12, seed=1)[0], "1.1"))
        _settle(flow)
    answer = replace(registration.identity(mri, pet), fixed_to_moving=FOUND, method="automatic")
    monkeypatch.setattr(registration, "register", lambda fixed, moving, *, start=None, progress: answer)
    flow.workspace.set_case(partner=pet)
    assert _settle(flow).registration is answer


@pytest.mark.parametrize("act", ["register", "reset_alignment"])
def test_what_would_replace_a_confirmed_alignment_asks_first(flow, volumes, registered, act):
    _give(flow, *(_in_frame(volume, "") for volume in volumes))
    _settle(flow)
    flow.confirm()
    confirmed, questions = flow.workspace.case.registration, []
    flow.ask_to_replace = lambda what, go_on: questions.append((what, go_on))
    getattr(flow, act)()
    assert _settle(flow).registration is confirmed
    ((_, go_on),) = questions
    go_on()
    assert _settle(flow).registration is not confirmed
    flow.workspace.undo()
    assert flow.workspace.case.registration is confirmed
    flow.realign(rigid((0, 0, 0), (1, 0, 0)))
    assert any("moved by hand" in notice.text for notice in flow.told)
