"""How much memory is free; and how freed memory is kept for the next step of work, and given back at its end.

Keeping is for Linux with glibc; elsewhere nothing is done.

A network frees and takes back some megabytes at every layer. Returned to the system each time, they come back page by
page: on two cores that was half the time of a fused slice (LightFusionNet at 256 x 256 takes 9 instead of 20 ms), and
with layers of 34 MB, as LKC-FUNet has there, 1.3 of 3.1 s.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # mallopt(3)


def free_bytes() -> int:
    """What can be had without swapping, also what the system keeps of files and gives up when asked."""
    import psutil  # takes as long as a tenth of the window's start, and is wanted when the first volume is read

    return int(psutil.virtual_memory().available)


def ran_out(error: Exception) -> bool:
    """Whether an exception means that there is not enough; torch has no class of its own for the CPU's allocator."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error)


def keep_freed() -> None:
    """Keep up to 2 GB of freed memory, in one heap for all threads, until `give_back`."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
        libc.mallopt(_MMAP_MAX, 0)  # no block is a mapping of its own, which would go back at once
        libc.mallopt(_ARENA_MAX, 1)  # heaps of their own, as threads get them, are small and returned whole


def give_back() -> None:
    """Return freed memory to the system, in some 2 ms; after work, not within it."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
