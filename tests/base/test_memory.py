"""Freed memory stays for the next piece of work, and goes back when told (glibc, where all tests run)."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

_PROGRAM = """
import resource, sys
import numpy as np, psutil
from app.base import memory
if sys.argv[1] == "keep":
    memory.keep_freed()
def work():
    for _ in range(20):
        layers = [np.ones(int(sys.argv[2]), np.uint8) for _ in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
resident = psutil.Process().memory_info().rss
memory.give_back()
print(resident - psutil.Process().memory_info().rss)
"""


def _run(how: str, size: int) -> tuple[int, int]:
    root = ROOT
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, how, str(size)], capture_output=True, text=True, check=True, cwd=root
    )
    faults, returned = map(int, ran.stdout.split())
    return faults, returned


@pytest.mark.parametrize("size", [4 << 20, 40 << 20])
def test_memory_is_kept_between_steps_and_given_back_after_them(size):
    plain, _ = _run("as it is", size)
    kept, returned = _run("keep", size)
    assert kept < 100 < plain  # a page of 4 KB each; 4 MB are 1024 of them
    assert returned > size * 3 // 4
