"""How much memory reading may take: asked before anything is allocated, because a header can state any size."""

from __future__ import annotations

import io
import os
from pathlib import Path

from app.base import memory
from app.base.errors import InputError

SHARE = 0.6  # of the memory that is free


class TooLargeError(InputError):
    """What a header states does not fit into memory, or not into its own file."""

    hint = "Close other studies or programs, or open a smaller part; check that the file is what it claims."

    def __init__(self, name: str, needed: int, allowed: int) -> None:
        super().__init__(f"{name}: needs {needed / 2**30:.1f} GB of memory, and {allowed / 2**30:.1f} GB can be used.")


class BoundedFile(io.BufferedReader):
    """A file whose `read` asks for no more memory than there are bytes left: an element may state any length."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(os.fspath(path)))  # as text: pydicom adds the name to what it says of damage
        self.length = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > 1 << 16:
            size = min(size, max(0, self.length - self.tell()))
        return super().read(size)


def budget_bytes() -> int:
    """Bytes that one volume may take now."""
    return int(SHARE * memory.free_bytes())


def require(needed_bytes: int, name: str) -> None:
    """Raise TooLargeError where `needed_bytes` do not fit; `name` is what the reader knows it by."""
    allowed = budget_bytes()
    if needed_bytes > allowed:
        raise TooLargeError(name, needed_bytes, allowed)
