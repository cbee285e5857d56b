"""The demo study, made once in the user's cache folder; opened when the window is started without a path."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from app import __version__
from app.base import folders
from app.base.errors import InputError
from app.base.progress import Progress


class DemoUnwritableError(InputError):
    hint = "Free some space, or set XDG_CACHE_HOME to a folder you may write to; `synoptic demo DIR` writes anywhere."

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(f"The demo study cannot be written to {folder}: {error.strerror or error}.")


def folder() -> Path:
    """Where this version's demo study lies, or will lie."""
    return folders.cache() / f"demo-{__version__}"


def prepare(progress: Progress) -> Path:
    """The folder of the demo's DICOM series; made if it is not there, whole or not at all."""
    target = folder()
    if not target.is_dir():
        from app.phantom.study import write_demo

        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=target.parent, prefix="demo-being-made-"))
            try:
                write_demo(made, progress=progress)
                if not target.is_dir():  # another window may have been quicker
                    os.replace(made, target)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        except OSError as error:
            raise DemoUnwritableError(target, error) from error
    return target / "dicom"
