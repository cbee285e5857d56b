"""How this process uses threads and memory, settled by the program that starts it and never by an import.

The command line, the window and the research commands call `settle` first. A notebook may do so too, before it imports
torch: without it, all works, and a slice takes up to five times as long.
"""

from __future__ import annotations

import os

from app.base import memory


def settle() -> None:
    """Threads that wait sleep, and freed memory is kept; to be called before torch is imported, any number of times.

    OpenMP's threads otherwise spin while they wait: on two cores shared with anything else, the thread that spins at a
    barrier takes the processor from the one it waits for, and a slice takes five times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch loads its OpenMP
    memory.keep_freed()
