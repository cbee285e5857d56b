"""The info command on the demo study."""

from __future__ import annotations

from app.cli import main


def test_info_tells_what_the_study_holds(demo, run):
    folder, _ = demo
    code, document, _ = run("info", folder / "dicom")
    assert code == 0
    (study,) = document["studies"]
    units = {series["modality"]: series["unit"] for series in study["series"]}
    assert units == {"MR": "a.u.", "CT": "HU", "PT": "SUVbw", "NM": "counts"}
    assert len({series["frame_of_reference_uid"] for series in study["series"]}) == 4
    pet = next(series for series in study["series"] if series["modality"] == "PT")
    assert pet["suv"]["factor"] is not None


def test_without_json_it_prints_a_line_for_each_series(demo, capsys):
    folder, _ = demo
    assert main(["info", str(folder / "dicom")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("patient SYNOPTIC-DEMO")
    numbers, kinds = zip(*(line.split()[:2] for line in lines if " mm " in line and " x " in line), strict=True)
    assert numbers == ("1", "2", "3", "4")
    assert sorted(kinds) == ["CT", "MR", "NM", "PT"]


def test_a_path_that_is_not_there_is_told(run, tmp_path):
    code, document, _ = run("info", tmp_path, tmp_path / "none")
    assert code == 2
    assert "none does not exist" in document["error"]
