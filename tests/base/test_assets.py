"""Where the shipped files lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import json

from app.base import assets
from tests.paths import ROOT


def test_a_checkout_has_them_beside_the_package():
    assert assets.resources() == ROOT / "resources"
    assert (assets.resources() / "style.qss").is_file()
    manifest = json.loads((assets.model_weights() / "manifest.json").read_text(encoding="utf-8"))
    assert manifest
    assert assets.model_weights() == ROOT / "model_weights"


def test_a_wheel_carries_them_inside_the_package(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "app"
    (package / "resources").mkdir(parents=True)
    (package.parent / "resources").mkdir()  # of some other package: not ours
    monkeypatch.setattr(assets, "_PACKAGE", package)
    assert assets.resources() == package / "resources"
