"""Errors a user can mend: one clear sentence, and a hint that says what to do.

    AppError
    ├── InputError           a file, folder or archive cannot be used as it is
    ├── GeometryError        positions, spacings or grids contradict each other
    ├── RegistrationError    two images cannot be brought together
    ├── FusionError          a network, its weights or its device
    ├── MetricError          a metric's input
    ├── ExportError          a file cannot be written, or must not be
    └── UsageError           the command's or the window's request makes no sense

A subclass takes facts in its constructor and writes the sentence itself; any exception outside this tree is a bug.
Subclasses live beside the code that raises them.
"""

from __future__ import annotations


class AppError(Exception):
    """A problem the user can mend; `str(error)` is the sentence, `error.hint` the remedy."""

    hint = ""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class InputError(AppError): ...


class GeometryError(AppError): ...


class RegistrationError(AppError): ...


class FusionError(AppError): ...


class MetricError(AppError): ...


class ExportError(AppError): ...


class UsageError(AppError): ...
