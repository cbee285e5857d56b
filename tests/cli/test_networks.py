"""The networks command: what can run, and why what cannot."""

from __future__ import annotations

from app.base.errors import FusionError
from app.cli import main
from app.fusion import registry


def test_networks_lists_what_can_run(run):
    code, document, _ = run("networks")
    assert code == 0
    names = [one["name"] for one in document["networks"]]
    assert {"average", "maximum", "laplacian", "lightfusionnet"} <= set(names)
    light = next(one for one in document["networks"] if one["name"] == "lightfusionnet")
    assert 3600 <= light["parameters"] <= 5000


def test_without_json_it_prints_a_line_for_each_and_no_card(capsys):
    assert main(["networks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines if "parameters" in line and " ms " in line]
    assert names == [spec.name for spec in registry.networks()]
    assert not any(line.startswith("#") for line in lines)


def test_a_name_prints_its_card_alone(capsys, run):
    assert main(["networks", "maximum"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# Maximum"]
    assert "`maximum`" in text
    code, document, _ = run("networks", "lightfusionnet")
    assert (code, [network["name"] for network in document["networks"]]) == (0, ["lightfusionnet"])
    code, document, _ = run("networks", "lightfusion")
    assert code == 2
    assert "lightfusionnet" in document["hint"]


def test_what_cannot_run_is_listed_with_the_reason(run, monkeypatch):
    refused = registry.NETWORKS[0]
    error = FusionError("Its weights were altered.", "Install it again.")
    monkeypatch.setattr(registry, "refusal", lambda spec: error if spec is refused else None)
    code, document, stderr = run("networks")
    assert code == 0
    assert document["refused"] == [
        {"name": refused.name, "error": "Its weights were altered.", "hint": "Install it again."}
    ]
    assert refused.name not in {network["name"] for network in document["networks"]}
    assert "Its weights were altered. Install it again." in stderr
