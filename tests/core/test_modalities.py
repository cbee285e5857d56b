"""Kinds of image: what is known of each, and that everything reads the one list."""

import json

import numpy as np
import pytest

from app.base import settings
from app.case.roles import guess_roles
from app.core.geometry import Geometry
from app.core.modalities import (
    MODALITIES,
    BodyWindows,
    Modality,
    WindowPreset,
    code_of,
    is_head,
    modality_of,
    presets_in,
)
from app.core.values import default_display_window, default_fusion_window
from app.core.volume import Patient, Series, Study, Volume
from app.files.sidecar import read_sidecar
from app.view.labels import name_of
from app.view.presets import presets
from app.view.series_text import title


def series(modality, uid="1", body_part=""):
    return Series(uid, modality, "", (), (4, 4, 4), (1.0, 1.0, 1.0), "", "", "test", body_part=body_part)


def volume(modality, unit, body_part="", top=1000):
    stored = np.linspace(-1000, top, 64).reshape(4, 4, 4)
    grid = Geometry((4, 4, 4), np.eye(4))
    return Volume(stored, 1, 0, grid, modality, unit, series(modality, body_part=body_part))


@pytest.mark.parametrize(
    "text",
    ["HEAD", "Brain", "SKULL", "NEURO^ROUTINE", "FACE", "facial bones", "HEADNECK", "ORBIT", "PITUITARY", "TEMPORAL",
     "CT temporal bone", "SINUSES", "INTRACEREBRAL", "INTRACRANIAL"],
)  # fmt: skip
def test_words_that_mean_a_head(text):
    assert is_head(text)
    assert is_head("CHEST", text)


@pytest.mark.parametrize("text", ["", "CHEST", "SURFACE COIL", "high temporal resolution", "PELVIS", "HAND"])
def test_words_that_mean_none(text):
    assert not is_head(text)


def test_windows_and_concerns_mean_the_same_by_a_head():
    assert default_fusion_window(volume("CT", "HU", "FACE")).high == 90
    assert default_fusion_window(volume("CT", "HU", "NEUROCRANIUM")).high == 90
    assert default_fusion_window(volume("CT", "HU", "CHEST")).high == 240


@pytest.mark.parametrize(
    ("word", "code"), [("mri", "MR"), ("PET", "PT"), ("NM", "NM"), ("XC", ""), ("", ""), ("US", "")]
)
def test_what_a_sidecar_calls_a_modality(word, code):
    assert code_of(word) == code


def test_an_unknown_code_claims_nothing():
    ultrasound, unstated = modality_of("US"), modality_of("")
    assert (ultrasound.name, ultrasound.short, ultrasound.base_rank, ultrasound.partner_rank) == (
        "US",
        "US",
        None,
        None,
    )
    assert (unstated.name, unstated.short, unstated.base_rank) == ("", "", 1)
    assert presets_in("a.u.") == ()
    assert presets_in("unknown") == ()


OCT = Modality(
    "OPT", "OCT", "oct", partner_rank=0, palette="Cividis", unit="counts", presets=(WindowPreset("Retina", 30, 20),),
    head=BodyWindows("Retina", 20, 50),
)  # fmt: skip


@pytest.fixture
def oct_known(monkeypatch):
    monkeypatch.setitem(MODALITIES, "OPT", OCT)


def test_a_modality_added_to_the_list_has_its_windows_and_presets(oct_known):
    retina = volume("OPT", "counts")
    window = default_fusion_window(retina)
    assert (window.low, window.high, window.unit) == (20, 50, "counts")
    assert default_display_window(retina) == (30, 20)
    assert [preset.label for preset in presets(retina)] == ["Default  [0]", "Retina 30/20  [1]"]


def test_a_modality_added_to_the_list_is_read_named_and_shown(oct_known, tmp_path):
    (tmp_path / "scan.json").write_text(json.dumps({"Modality": "OCT"}), encoding="utf-8")
    assert read_sidecar(tmp_path / "scan.nii").modality == "OPT"
    assert read_sidecar(tmp_path / "eye_oct.nii").modality == "OPT"
    assert name_of(volume("OPT", "counts")) == "OCT"
    assert title(series("OPT")).startswith("OPT ")


def test_a_modality_added_to_the_list_takes_its_role(oct_known):
    listed = tuple(series(code, uid=code) for code in ("MR", "CT", "OPT"))
    mri, partner = guess_roles((Study(Patient(), "s", listed),))
    assert mri is not None
    assert partner is not None
    assert (mri.modality, partner.modality) == ("MR", "OPT")


def test_a_modality_added_to_the_list_keeps_its_palette(oct_known, tmp_path):
    chosen = settings.Settings(palettes={"OPT": "PET"})
    settings.save(chosen, tmp_path)
    assert settings.load(tmp_path)[0].palettes == {"OPT": "PET"}
