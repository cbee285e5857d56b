"""Freed memory stays for the next piece of work, and goes back when told (glibc, where all tests run)."""

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import resource, sys
import numpy as np, psutil
from app import memory
if sys.argv[1] == "keep":
    memory.keep_freed()
def work():
    for _ in range(20):
        layers = [np.ones(4 << 20, np.uint8) for _ in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
resident = psutil.Process().memory_info().rss
memory.give_back()
print(resident - psutil.Process().memory_info().rss)
"""


def _run(how: str) -> tuple[int, int]:
    root = Path(__file__).resolve().parent.parent
    ran = subprocess.run([sys.executable, "-c", _PROGRAM, how], capture_output=True, text=True, check=True, cwd=root)
    faults, returned = map(int, ran.stdout.split())
    return faults, returned


def test_memory_is_kept_between_steps_and_given_back_after_them():
    plain, _ = _run("as it is")
    kept, returned = _run("keep")
    assert kept < 100 < plain  # a page of 4 KB each; 4 MB are 1024 of them
    assert returned > 3 << 20
