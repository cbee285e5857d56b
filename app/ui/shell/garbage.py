"""Python's cyclic garbage is collected in the GUI thread alone.

Python collects in whichever thread happens to allocate. Among what it finds may be widgets and timers that a cycle kept
alive, and Qt lets no other thread destroy those: a timer is lost so, or the program crashes, once in many hours.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_TICK_MS = 500


@contextmanager
def collected_here() -> Iterator[None]:
    """Within it a timer of this thread collects, a generation when it is due by Python's own counts; nothing else does.

    Not to be nested.
    """
    from PySide6.QtCore import QTimer

    enabled = gc.isenabled()
    gc.disable()
    timer = QTimer()
    timer.timeout.connect(_collect)
    timer.start(_TICK_MS)
    try:
        yield
    finally:
        timer.stop()
        gc.unfreeze()
        if enabled:
            gc.enable()


def set_apart() -> None:
    """Within `collected_here`: no collection looks again through what is there now, such as imported modules.

    That takes 100 ms and more once torch is imported, and the window waits meanwhile.
    """
    if not gc.isenabled():
        gc.freeze()


def _collect() -> None:
    counts = zip(gc.get_count(), gc.get_threshold(), strict=True)
    due = [generation for generation, (count, most) in enumerate(counts) if count > most > 0]  # 0: never
    if due:
        gc.collect(max(due))
