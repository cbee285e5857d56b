"""A process is settled when it is asked to be, and never by an import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

_FREED = """
import os, resource
import numpy as np
{before}
def work():
    for _ in range(20):
        layers = [np.ones(4 << 20, np.uint8) for _ in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, os.environ.get("OMP_WAIT_POLICY"))
"""
_IMPORTS = """
import torch
before = torch.get_num_threads()
import app.fusion.infer, app.fusion.registry, app.fusion.classical, app.fusion.large_kernel
assert torch.get_num_threads() == before
"""


def _run(before: str, **environment: str) -> tuple[int, str]:
    """Pages faulted in again by work done a second time, and OpenMP's policy, after `before`."""
    variables = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | environment
    command = [sys.executable, "-c", _FREED.format(before=before)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=variables)
    faults, policy = ran.stdout.split()
    return int(faults), policy


def test_importing_the_fusion_changes_no_threads_and_no_allocator():
    faults, policy = _run(_IMPORTS)
    assert faults > 1000  # each layer comes back page by page, as the allocator has it of itself
    assert policy == "None"


def test_settling_keeps_freed_memory_and_lets_waiting_threads_sleep():
    faults, policy = _run("from app.base import process; process.settle(); process.settle()")
    assert faults < 100
    assert policy == "PASSIVE"


def test_what_the_user_says_of_openmp_wins():
    assert _run("from app.base import process; process.settle()", OMP_WAIT_POLICY="ACTIVE")[1] == "ACTIVE"


@pytest.mark.parametrize(
    "start",
    [
        "from app.cli import main; main(['networks', '--json'])",
        "from app.ui.application import make_application; make_application()",
        "from app.research.__main__ import main; main([])",
    ],
)
def test_command_line_window_and_research_settle_the_process_before_torch_is_imported(start):
    code = "import contextlib, os, sys\nwith contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):\n"
    code += f"    {start}\nprint('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    variables = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=variables)
    assert ran.stdout.split() == ["False", "PASSIVE"]
