"""The command line whole: mistakes, signals, a full disk, and the program as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from app.cli import main
from tests.paths import ROOT


@pytest.mark.parametrize(
    "words",
    [
        ("info", "/no/such/folder"),
        ("fuse", "a", "b", "--network", "no-such-network", "--out", "o"),
        ("register", "only-one"),
        ("networks", "--js"),
        ("info", ""),
        ("fuse", "a", "b", "--network", "average", "--out", "o", "--format", "gif"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(run, words):
    code, document, stderr = run(*words)
    assert code == 2
    assert document["error"].endswith(".")
    assert document["hint"]
    assert "Traceback" not in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_with_130_and_leave_nothing(demo, tmp_path, capsys, number):
    folder, _ = demo
    out = tmp_path / "t.tfm"
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()  # long before the registration can end
    code = main(["register", str(folder / "dicom" / "mr-t1"), str(folder / "dicom" / "ct"), "--out", str(out)])
    assert code == 130
    assert "cancelled" in capsys.readouterr().err
    assert not out.exists()


def test_the_command_runs_as_a_program(demo):
    folder, _ = demo
    ran = subprocess.run(
        [sys.executable, "-m", "app", "info", folder / "dicom" / "ct", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["studies"][0]["series"][0]["modality"] == "CT"


@pytest.mark.parametrize("words", [("networks", "--json"), ("networks",)])
def test_a_full_disk_behind_stdout_is_told(words):
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "app", *words], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "full" in ran.stderr
