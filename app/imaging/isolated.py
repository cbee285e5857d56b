"""GDCM in a process of its own: on some damaged JPEG streams it ends its process instead of reporting an error.

Only JPEG lossless and 12-bit JPEG need GDCM; all else is decoded by decoders that raise. One child is started when it
is first needed, serves until the program ends, and is replaced when it dies. What it prints about damaged streams goes
nowhere, because it could hold anything.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from app.imaging.dicom_header import Pixels

LONGEST_S = 120.0  # for one file
_lock = threading.Lock()
_pool: ProcessPoolExecutor | None = None


def decode_with_gdcm(path: Path, pixels: Pixels, indices: Sequence[int]) -> NDArray[Any]:
    """Frames `indices` as [n, j, i], decoded by GDCM in the child.

    Raises
    ------
    RuntimeError : the child died or took too long; other errors are those of the decoder
    """
    with _lock:
        pool = _started()
        task = pool.submit(_decode, path, pixels, tuple(indices))
    try:
        return task.result(LONGEST_S)
    except BrokenProcessPool as error:
        _stop()
        raise RuntimeError("the decoder gave up on the damaged stream") from error
    except TimeoutError as error:
        _stop()
        raise RuntimeError(f"the decoder took more than {LONGEST_S:.0f} s") from error


def _started() -> ProcessPoolExecutor:
    global _pool
    if _pool is None:
        # spawn: a fork of a program with threads (Qt, torch) may hang
        _pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_quiet)
    return _pool


def _stop() -> None:
    """Kill the child, if there is one; the next file gets a new one."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


atexit.register(_stop)


def _quiet() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _decode(path: Path, pixels: Pixels, indices: Sequence[int]) -> NDArray[Any]:
    """In the child."""
    from app.imaging.dicom_pixels import decode_here

    return decode_here(path, pixels, indices, "gdcm")
