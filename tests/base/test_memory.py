"""Freed memory stays for the next piece of work, and goes back when told (glibc, where all tests run)."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.base import memory
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


def test_free_memory_is_what_the_system_says_is_available():
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = {name: int(size.split()[0]) << 10 for name, _, size in (line.partition(":") for line in lines)}
    assert 0 < memory.free_bytes() <= sizes["MemTotal"]
    assert abs(memory.free_bytes() - sizes["MemAvailable"]) < 1 << 30  # other programs work meanwhile


def test_errors_that_mean_a_lack_of_memory_are_known():
    assert memory.ran_out(MemoryError())
    assert memory.ran_out(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not memory.ran_out(RuntimeError("shapes differ"))
