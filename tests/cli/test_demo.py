"""The demo command."""

from __future__ import annotations

import json
from functools import partial

from app.phantom.study import write_demo


def test_a_seed_is_no_negative_number(run, tmp_path):
    code, document, stderr = run("demo", tmp_path / "demo", "--seed", "-1")
    assert code == 2
    assert "--seed" in document["error"]
    assert "Traceback" not in stderr
    assert not (tmp_path / "demo").exists()


def test_it_writes_the_study_and_gives_its_truth(monkeypatch, run, tmp_path):
    """The study itself is tested with the phantom; here a small one stands for it."""
    monkeypatch.setattr("app.phantom.study.write_demo", partial(write_demo, small=True))
    code, document, _ = run("demo", tmp_path / "demo", "--seed", "3")
    assert code == 0
    assert document["folder"] == str(tmp_path / "demo")
    assert document["truth"] == json.loads((tmp_path / "demo" / "truth.json").read_text(encoding="utf-8"))
    assert document["truth"]["seed"] == 3
