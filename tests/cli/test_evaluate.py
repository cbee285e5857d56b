"""The evaluate command: its arguments become a request, its document is that of the tables."""

from __future__ import annotations

import numpy as np
from PIL import Image

from app.cli import main


def test_the_maximum_of_one_pair_is_measured_and_printed(run, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for modality in ("mri", "ct"):
        folder = tmp_path / "ct-mri" / "val" / modality
        folder.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(folder / "1.png")
    words = ("evaluate", "--pairs", tmp_path, "--task", "ct-mri", "--networks", "maximum")
    code, document, _ = run(*words)
    assert code == 0
    assert "maximum" in str(document)
    assert main([str(word) for word in words]) == 0
    table = capsys.readouterr().out
    assert "maximum" in table
    assert "| " in table  # Markdown


def test_pairs_that_are_not_there_are_told(run, tmp_path):
    code, document, _ = run("evaluate", "--pairs", tmp_path / "none")
    assert code == 2
    assert document["error"].endswith(".")
