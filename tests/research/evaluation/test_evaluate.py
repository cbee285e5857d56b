"""`synoptic evaluate` through the command line: folders, documents, tables, pictures, and what is refused."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.fusion import registry, weights
from app.metrics.catalogue import METRICS, evaluate
from app.research.pairs import ROLES
from tests.paths import ROOT

NAMES = [metric.name for metric in METRICS]
KEYS = ["n", *NAMES, "ms_per_image", "parameters"]
DRAW = np.random.default_rng(5)
SHADES = {
    task: {name: DRAW.integers(50, 200, (2, 48, 56)).astype(np.uint8) for name in ("1001", "1002")} for task in ROLES
}


def picture(task: str, name: str, modality: str) -> np.ndarray:
    """(48, 56) for an MRI, CT or infrared picture, (48, 56, 3) for the others, whose luma is the shade."""
    shade = SHADES[task][name][ROLES[task].index(modality)]
    if modality not in ("pet", "spect", "vis"):
        return shade
    tint = np.array([40, 0, -40]) if modality == "vis" else np.array([20, 0, -20])
    return (shade[..., None] + tint).astype(np.uint8)


def luma(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 2:
        return pixels
    r, g, b = (pixels[..., i].astype(np.float64) for i in range(3))
    return np.rint(0.299 * r + 0.587 * g + 0.114 * b).astype(np.uint8)


def write_task(folder: Path, task: str) -> None:
    for name in SHADES[task]:
        for modality in ROLES[task]:
            (folder / modality).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(task, name, modality)).save(folder / modality / f"{name}.png")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two pairs of each task."""
    for task in ROLES:
        write_task(tmp_path / "pairs" / task / "val", task)
    return tmp_path / "pairs"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder of mri and spect."""
    write_task(tmp_path / "alone", "spect-mri")
    return tmp_path / "alone"


@pytest.fixture
def run(capsys):
    """Run evaluate with --json: (exit code, document, stderr)."""

    def runner(*words: object) -> tuple[int, dict, str]:
        code = main(["evaluate", *map(str, words), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out), captured.err

    return runner


def means_of_maximum(task: str) -> list[float]:
    values = []
    for name in SHADES[task]:
        a, b = (luma(picture(task, name, modality)) for modality in ROLES[task])
        values.append([one.value for one in evaluate(np.maximum(a, b), a, b)])
    return list(np.mean(values, axis=0))


def test_every_task_and_network_has_exactly_the_keys_and_the_catalogues_means(pairs, run):
    code, document, _ = run("--pairs", pairs)
    assert code == 0
    assert list(document) == list(ROLES)
    for task, table in document.items():
        assert list(table) == [spec.name for spec in registry.available()]
        assert all(list(row) == KEYS for row in table.values())
        assert table["maximum"]["n"] == 2
        assert [table["maximum"][name] for name in NAMES] == pytest.approx(means_of_maximum(task))
        assert table["maximum"]["parameters"] == 0
        assert table["lightfusionnet"]["parameters"] == 4467
        assert all(row["ms_per_image"] > 0 for row in table.values())


def test_task_split_and_networks_are_chosen(pairs, run):
    (pairs / "ct-mri/val").rename(pairs / "ct-mri/test")
    _, document, _ = run("--pairs", pairs, "--split", "test", "--networks", "average,maximum")
    assert {task: list(table) for task, table in document.items()} == {"ct-mri": ["average", "maximum"]}
    _, document, _ = run("--pairs", pairs, "--task", "ir-vis", "--networks", "maximum")
    assert list(document) == ["ir-vis"]
    (pairs / "ct-mri/test").rename(pairs / "ct-mri/val")
    _, document, _ = run("--pairs", pairs, "--task", "ir-vis,ct-mri", "--networks", "maximum")
    assert sorted(document) == ["ct-mri", "ir-vis"]


def test_a_folder_of_two_modalities_is_one_task_by_their_names(alone, run):
    code, document, _ = run("--pairs", alone, "--networks", "maximum")
    assert code == 0
    assert list(document) == ["spect-mri"]
    assert [document["spect-mri"]["maximum"][name] for name in NAMES] == pytest.approx(means_of_maximum("spect-mri"))


def test_jpeg_pictures_are_pairs_too(alone, run):
    for path in alone.rglob("*.png"):
        with Image.open(path) as opened:
            opened.save(path.with_suffix(".JPG"), format="JPEG")
        path.unlink()
    assert run("--pairs", alone, "--networks", "maximum")[1]["spect-mri"]["maximum"]["n"] == 2


def test_pictures_of_other_programs_are_measured_like_the_networks(pairs, run, tmp_path):
    for task in ("ct-mri", "pet-mri"):
        (tmp_path / "theirs" / task).mkdir(parents=True)
        for name in SHADES[task]:
            a, b = (luma(picture(task, name, modality)) for modality in ROLES[task])
            Image.fromarray(np.maximum(a, b)).save(tmp_path / "theirs" / task / f"{name}.png")
    code, document, told = run("--pairs", pairs, "--fused", tmp_path / "theirs", "--networks", "maximum")
    assert code == 0
    for task in ("ct-mri", "pet-mri"):
        ours, theirs = (document[task][method] for method in ("maximum", "theirs"))
        assert theirs == ours | {"ms_per_image": None, "parameters": None}
    assert "theirs" not in document["spect-mri"]
    assert "theirs is left out of spect-mri" in told


def test_peers_with_all_of_a_tasks_pictures_join_and_others_are_named(pairs, run, tmp_path):
    for peer, names in (("whole", ("1001", "1002")), ("half", ("1001",))):
        (tmp_path / "peers" / peer / "ct-mri").mkdir(parents=True)
        for name in names:
            Image.fromarray(picture("ct-mri", name, "mri")).save(tmp_path / "peers" / peer / "ct-mri" / f"{name}.png")
    words = ("--pairs", pairs, "--task", "ct-mri", "--peers", tmp_path / "peers", "--networks", "none")
    code, document, told = run(*words)
    assert code == 0
    assert list(document["ct-mri"]) == ["whole"]
    expected = np.mean([picture("ct-mri", name, "mri").std() for name in ("1001", "1002")])
    assert document["ct-mri"]["whole"]["SD"] == pytest.approx(expected)
    assert "half is left out of ct-mri" in told
    assert "1002.png" in told


def test_weights_that_are_not_published_take_the_name_of_their_network(alone, run, tmp_path):
    weights.save(registry.build("lightfusionnet", width=8), tmp_path / "w.safetensors", {"width": 8})
    words = ("--pairs", alone, "--networks", "none", "--weights", f"lightfusionnet={tmp_path / 'w.safetensors'}")
    row = run(*words)[1]["spect-mri"]["lightfusionnet"]
    assert row["parameters"] == sum(one.numel() for one in registry.build("lightfusionnet", width=8).parameters())


def test_saved_pictures_have_their_colours_back_and_can_be_read_as_peers(pairs, run, tmp_path):
    words = ("--pairs", pairs, "--networks", "average", "--save", tmp_path / "saved")
    assert run(*words)[0] == 0
    for task in ROLES:
        mri, partner = (picture(task, "1001", modality) for modality in ROLES[task])
        with Image.open(tmp_path / "saved/average" / task / "1001.png") as opened:
            saved = np.asarray(opened)
        fused = np.rint((luma(mri).astype(np.float64) + luma(partner)) / 2 + 1e-6)
        assert np.abs(luma(saved) - fused).max() <= 1
        if task == "ct-mri":
            assert saved.ndim == 2
        else:
            tint = (40 if task == "ir-vis" else 20) * np.array([1, 0, -1])
            own = tint - tint @ (0.299, 0.587, 0.114)  # what the tint adds to grey of the same luma
            np.testing.assert_allclose(saved - fused[..., None], np.broadcast_to(own, saved.shape), atol=1.5)
    (tmp_path / "saved/average").rename(tmp_path / "saved/theirs")
    document = run("--pairs", pairs, "--networks", "average", "--peers", tmp_path / "saved")[1]
    assert document["ct-mri"]["theirs"]["SD"] == document["ct-mri"]["average"]["SD"]
    assert document["ir-vis"]["theirs"]["SD"] == pytest.approx(document["ir-vis"]["average"]["SD"], rel=0.01)


def test_saved_luma_measures_the_same_again_where_colours_leave_no_room_for_it(tmp_path, run):
    strong = np.broadcast_to(np.array([255, 40, 0], np.uint8), (48, 56, 3))  # red: a brighter one is not to be had
    for modality, pixels in (("mri", SHADES["pet-mri"]["1001"][0] // 2 + 128), ("pet", strong)):
        (tmp_path / "pairs" / modality).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "pairs" / modality / "1001.png")
    asked = ("--pairs", tmp_path / "pairs", "--networks", "maximum")
    assert main(["evaluate", *map(str, asked), "--save", str(tmp_path), "--save-luma", str(tmp_path)]) == 2
    run(*asked, "--save", tmp_path / "colours", "--save-luma", tmp_path / "luma")
    (tmp_path / "colours/maximum").rename(tmp_path / "luma/with colours")
    (tmp_path / "luma/maximum").rename(tmp_path / "luma/as measured")
    table = run(*asked, "--peers", tmp_path / "luma")[1]["pet-mri"]
    own, again, clipped = (table[name] for name in ("maximum", "as measured", "with colours"))
    assert {name: own[name] for name in NAMES} == {name: again[name] for name in NAMES}
    assert clipped["SD"] < 0.9 * own["SD"]


def test_modalities_may_be_in_capitals_but_not_there_twice(alone, run, capsys):
    expected = run("--pairs", alone, "--networks", "maximum")[1]["spect-mri"]["maximum"]["SD"]
    (alone / "mri").rename(alone / "MRI")
    (alone / "spect").rename(alone / "SPECT")
    assert run("--pairs", alone, "--networks", "maximum")[1]["spect-mri"]["maximum"]["SD"] == expected
    if not (alone / "mri").exists():  # there where a disk takes both for one
        write_task(alone, "spect-mri")
        assert main(["evaluate", "--pairs", str(alone), "--networks", "maximum"]) == 2
        assert "has both MRI and mri" in capsys.readouterr().err


def test_what_is_undefined_is_null_and_told_with_its_reason(tmp_path, run):
    for modality in ("mri", "ct"):
        (tmp_path / modality).mkdir()
        Image.fromarray(np.zeros((48, 56), np.uint8)).save(tmp_path / modality / "1001.png")
    code, document, told = run("--pairs", tmp_path, "--networks", "maximum")
    assert (code, document["ct-mri"]["maximum"]["CC"]) == (0, None)
    assert "ct-mri, maximum: CC is undefined for 1 of 1 pictures: " in told


def test_a_network_that_cannot_run_is_named_where_all_are_asked_for(alone, run, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/manifest.json").write_text("{}")
    monkeypatch.setattr(registry, "model_weights", lambda: tmp_path / "weights")
    code, document, told = run("--pairs", alone)
    assert (code, list(document["spect-mri"])) == (0, [spec.name for spec in registry.NETWORKS if spec.classical])
    assert "LKC-FUNet is left out: " in told


def test_tables_and_per_image_values_are_written(alone, run, tmp_path):
    files = [tmp_path / f"table.{kind}" for kind in ("md", "csv", "tex")]
    words = [word for file in files for word in ("--table", file)]
    per_image = tmp_path / "per-image.csv"
    document = run("--pairs", alone, "--networks", "maximum,average", *words, "--per-image", per_image)[1]
    best = max(document["spect-mri"], key=lambda one: document["spect-mri"][one]["SD"])
    assert f"**{document['spect-mri'][best]['SD']:.3f}**" in files[0].read_text()
    assert f"\\textbf{{{document['spect-mri'][best]['SD']:.3f}}}" in files[2].read_text()
    assert next(csv.DictReader(files[1].read_text().splitlines()))["method"] in ("maximum", "average")
    rows = [row for row in csv.DictReader(per_image.read_text().splitlines()) if row["method"] == best]
    assert [(row["task"], row["image"]) for row in rows] == [("spect-mri", "1001"), ("spect-mri", "1002")]
    assert np.mean([float(row["SD"]) for row in rows]) == pytest.approx(document["spect-mri"][best]["SD"])


def test_without_json_the_table_is_printed(alone, capsys):
    assert main(["evaluate", "--pairs", str(alone), "--networks", "maximum"]) == 0
    assert capsys.readouterr().out.startswith("| spect-mri, 2 | EN | SD |")


def test_the_scalar_behind_the_colours_is_taken_when_asked(tmp_path, run):
    table = np.stack([np.arange(0, 256, 2), np.arange(0, 256, 2), np.arange(255, -1, -2) // 2], axis=1).astype(np.uint8)
    place = np.arange(128).repeat(4).reshape(16, 32)
    for modality, pixels in (("mri", np.zeros((16, 32), np.uint8)), ("pet", table[place])):
        (tmp_path / modality).mkdir()
        Image.fromarray(pixels).save(tmp_path / modality / "1001.png")
    expected = {True: np.rint(place * 255 / 127), False: luma(table[place])}
    for scalar, partner in expected.items():
        words = ["--pairs", tmp_path, "--networks", "maximum", *(["--scalar"] if scalar else [])]
        assert run(*words)[1]["pet-mri"]["maximum"]["SD"] == pytest.approx(np.std(partner))


def spoil_partner(folder: Path) -> None:
    (folder / "spect/1002.png").unlink()


def spoil_size(folder: Path) -> None:
    Image.new("L", (9, 9)).save(folder / "mri/1002.png")


def spoil_content(folder: Path) -> None:
    (folder / "mri/1002.png").write_bytes(b"no picture")


def spoil_all(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()


def spoil_name(folder: Path) -> None:
    shutil.copy(folder / "mri/1002.png", folder / "mri/1002.jpg")


def spoil_folder(folder: Path) -> None:
    (folder / "spect").rename(folder / "spekt")


def add_another_partner(folder: Path) -> None:
    shutil.copytree(folder / "spect", folder / "pet")


@pytest.mark.parametrize(
    ("spoil", "facts"),
    [
        (spoil_partner, ["mri/1002.png", "one of its two modalities"]),
        (spoil_size, ["1002.png", "9 x 9 and 56 x 48"]),
        (spoil_content, ["1002.png is not a picture"]),
        (spoil_all, ["holds no picture in mri and spect"]),
        (spoil_name, ["1002.jpg and 1002.png"]),
        (spoil_folder, ["holds no pair of any task"]),
        (add_another_partner, ["pet-mri and spect-mri", "--task"]),
    ],
)
def test_a_bad_folder_is_told_with_its_file_and_a_remedy(alone, run, spoil, facts):
    spoil(alone)
    code, document, told = run("--pairs", alone, "--networks", "maximum")
    assert code == 2
    assert all(fact in document["error"] for fact in facts), document["error"]
    assert document["hint"]
    assert document["hint"] in told


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["--task", "mri-us"], "'mri-us'"),
        (["--task", "ct-mri"], "no ct-mri pair"),
        (["--task", "spect-mri,ct-mri"], "no ct-mri pair"),
        (["--task", "spect-mri,mri-us"], "'mri-us'"),
        (["--networks", "maximum,none"], "'none'"),
        (["--networks", "none"], "no network and no fused picture"),
        (["--weights", "lightfusionnet=missing"], "missing"),
        (["--weights", "lightfusionnet=alone/mri/1001.png"], "alone/mri/1001.png does not fit the network"),
        (["--table", "table.xlsx"], "table.xlsx"),
        (["--table", "missing/table.md"], "missing"),
        (["--per-image", "missing/rows.csv"], "missing"),
        (["--table", "one.csv", "--per-image", "./one.csv"], "one.csv twice"),
        (["--fused", "missing"], "missing is not a folder"),
        (["--peers", "missing"], "missing is not a folder"),
        (["--fused", "."], "1001.png does not exist"),
        (["--pairs", "missing"], "missing is not a folder"),
    ],
)
def test_a_bad_request_is_told_before_any_work(alone, run, words, fact, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, document, _ = run("--pairs", alone, *words)
    assert code == 2
    assert fact in document["error"]
    assert document["hint"]


def test_a_folder_of_one_task_is_offered_where_it_is_taken(run, tmp_path):
    _, document, _ = run("--pairs", tmp_path)
    assert "<folder>/<modality>/<id>.png" in document["hint"]


def test_a_fused_picture_that_is_missing_or_of_another_size_is_named(alone, run, tmp_path):
    (tmp_path / "fused").mkdir()
    words = ("--pairs", alone, "--fused", tmp_path / "fused", "--networks", "none")
    for name in ("1001", "1002"):
        assert f"{name}.png does not exist" in run(*words)[1]["error"]
        Image.fromarray(picture("spect-mri", name, "mri")).save(tmp_path / "fused" / f"{name}.png")
    assert run(*words)[0] == 0
    Image.new("L", (8, 8)).save(tmp_path / "fused/1002.png")
    assert "1002.png is 8 x 8, its sources are 56 x 48" in run(*words)[1]["error"]


def test_a_folder_without_any_of_the_tasks_holds_no_fused_picture(pairs, run, tmp_path):
    (tmp_path / "fused/us-mri").mkdir(parents=True)
    code, document, _ = run("--pairs", pairs, "--fused", tmp_path / "fused")
    assert code == 2
    assert "fused holds no fused picture of these pairs" in document["error"]


def test_two_methods_of_one_name_are_refused(alone, run, tmp_path):
    shutil.copytree(alone / "mri", tmp_path / "maximum")
    code, document, _ = run("--pairs", alone, "--fused", tmp_path / "maximum")
    assert code == 2
    assert "'maximum'" in document["error"]


def test_ctrl_c_ends_with_130_and_no_table(alone, tmp_path):
    Image.linear_gradient("L").resize((512, 512)).save(tmp_path / "large.png")
    for number in range(100):  # the metrics of so many take ten seconds at least
        for modality in ("mri", "spect"):
            shutil.copy(tmp_path / "large.png", alone / modality / f"{5000 + number}.png")
    table = tmp_path / "table.md"
    command = [sys.executable, "-m", "app", "evaluate", "--pairs", alone, "--networks", "maximum", "--table", table]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    root = ROOT
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=root, env=environment) as process:
        assert process.stderr is not None
        assert "maximum, spect-mri" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        told = process.stderr.read()
        assert process.wait() == 130
    assert time.monotonic() - started < 60
    assert told.endswith("synoptic: cancelled\n")
    assert not table.exists()
