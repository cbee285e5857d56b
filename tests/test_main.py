"""`python -m app` is the command `synoptic`."""

from __future__ import annotations

import subprocess
import sys

from app import __version__
from tests.paths import ROOT


def test_the_package_runs_as_the_command_and_hands_on_its_exit_code():
    run = subprocess.run([sys.executable, "-m", "app", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()[-1]) == (0, __version__)
    unknown = subprocess.run([sys.executable, "-m", "app", "fly"], cwd=ROOT, capture_output=True, text=True)
    assert unknown.returncode == 2
    assert "fly" in unknown.stderr
