"""What the window says of a network's time: the publisher's figure, then this computer's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.base.settings import MOST_SLICE_TIMES
from app.case.document import Case
from app.fusion import registry
from app.ui.flow.slice_times import SliceTimes
from tests.scenes import fused, pair, volume

LIGHT = registry.listed("lightfusionnet")
AVERAGE = registry.listed("average")


@pytest.fixture
def published(tmp_path: Path, monkeypatch) -> None:
    """A manifest in which LightFusionNet takes 4.12 s for a slice of 256 x 256."""
    entry = {"ms_per_slice": {"cpu": 4120.0, "threads": 2}}
    (tmp_path / "manifest.json").write_text(json.dumps({"lightfusionnet": entry}), encoding="utf-8")
    monkeypatch.setattr(registry, "model_weights", lambda: tmp_path)


def _case(size: int = 256, slices: int = 10) -> Case:
    mri = volume(np.zeros((slices, size, size), np.int16))
    return pair(mri, replace(mri, modality="PT"))


def _stack(case: Case, slice_s: float, network: str = "lightfusionnet", device: str = "cpu"):
    done = fused(case.aligned, np.zeros(case.aligned.values.shape, np.float32), network=network)
    return replace(done, slice_s=slice_s, device=device)


@pytest.mark.usefixtures("published")
def test_before_anything_was_fused_the_time_is_the_publisher_s(qapp):
    times, case = SliceTimes({}), _case(512)
    assert times.beside_name(LIGHT, case) == "LightFusionNet, 4.1 s a slice, published"
    assert "on a CPU with 2 threads for a slice of 256 × 256, as its publisher measured" in times.explained(LIGHT, case)
    assert times.seconds(LIGHT, case) == (4 * 4.12, False)  # four times the pixels
    assert times.slices(LIGHT, case, 10) == "about 3 min by its publisher's figure"
    assert times.beside_name(AVERAGE, case) == "Average"  # nothing is known of it


@pytest.mark.usefixtures("published")
def test_a_gpu_of_which_nothing_was_published_is_not_given_the_time_of_a_cpu(qapp):
    assert SliceTimes({}).beside_name(LIGHT, _case().having(device="cuda")) == "LightFusionNet"


@pytest.mark.usefixtures("published")
def test_what_was_measured_here_counts_for_its_network_device_and_size_alone(qapp):
    times, told = SliceTimes({}), []
    times.changed.connect(lambda: told.append(True))
    large, small = _case(512), _case(128)
    times.note(_stack(large, 20.4))
    assert times.known == {"lightfusionnet cpu 512x512": 20400.0}
    assert times.beside_name(LIGHT, large) == "LightFusionNet, about 20 s a slice"
    assert times.explained(LIGHT, large) == "about 20 s for a slice of 512 × 512, measured on this computer's CPU."
    assert times.slices(LIGHT, large, 30) == "about 10 min"
    assert times.slices(LIGHT, large, 0) == ""
    assert times.beside_name(LIGHT, small).endswith(", published")
    assert len(told) == 1
    times.note(_stack(large, 20.3))  # says the same
    assert len(told) == 1
    times.note(_stack(large, 0.0004))
    assert times.beside_name(LIGHT, large) == "LightFusionNet, under 1 ms a slice"
    assert len(told) == 2


def test_automatic_means_the_device_that_was_found_to_be_used(qapp):
    times, case = SliceTimes({}), _case()
    times.note(_stack(case, 0.05, device="cuda"))
    assert times.beside_name(LIGHT, case) == "LightFusionNet, about 50 ms a slice"
    again = SliceTimes(times.known)  # as after the next start
    assert again.beside_name(LIGHT, case) == "LightFusionNet, about 50 ms a slice"


def test_only_the_latest_times_are_kept(qapp):
    times = SliceTimes({f"average cpu {n}x1": 1.0 for n in range(MOST_SLICE_TIMES)})
    times.note(_stack(_case(), 0.01))
    assert len(times.known) == MOST_SLICE_TIMES
    assert "average cpu 0x1" not in times.known
    assert list(times.known)[-1] == "lightfusionnet cpu 256x256"


def test_a_broken_manifest_leaves_the_names(qapp, tmp_path, monkeypatch):
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(registry, "model_weights", lambda: tmp_path)
    assert SliceTimes({}).beside_name(LIGHT, _case()) == "LightFusionNet"
