"""Steps of work that rest on parts of the case, each a task, started once for each question.

A step remembers the very objects it rests on; when one of them is replaced, it is cancelled and its answer dropped. One
that ended in any way is not begun again until it is forgotten: the same question gets the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.base.progress import Progress
from app.case.document import Case
from app.ui.flow.workspace import Workspace


@dataclass
class Step:
    """One started step, and the objects of the case it rests on."""

    rests_on: tuple[Any, ...]
    running: bool = True


class Steps:
    """needs : what each step rests on, by name

    failed : called with name, title and error; cancelled : with the name, where a reader cancelled it
    """

    def __init__(
        self,
        workspace: Workspace,
        needs: Mapping[str, Callable[[Case], tuple[Any, ...]]],
        failed: Callable[[str, str, Exception], None],
        cancelled: Callable[[str], None],
    ) -> None:
        self._workspace, self._needs = workspace, needs
        self._failed, self._cancelled = failed, cancelled
        self._started: dict[str, Step] = {}

    def __getitem__(self, name: str) -> Step | None:
        """The step that was begun last under that name, running or ended; None once it is forgotten."""
        return self._started.get(name)

    def fresh(self, name: str) -> Step:
        """A step that rests on the case as it is now, not yet begun."""
        return Step(self._needs[name](self._workspace.case))

    def begin(
        self,
        name: str,
        title: str,
        work: Callable[[Progress], Any],
        done: Callable[[Any], None],
        step: Step | None = None,
    ) -> None:
        """Start the work, unless it was begun already."""
        if name in self._started:
            return
        step = self._started[name] = step or self.fresh(name)

        def ended(say: Callable[[], None]) -> None:
            step.running = False
            if self._started.get(name) is step:
                say()

        self._workspace.tasks.start(
            title,
            work,
            lambda result: ended(lambda: done(result)),
            failed=lambda error: ended(lambda: self._failed(name, title, error)),
            cancelled=lambda: ended(lambda: self._cancelled(name)),
            key=name,
        )

    def forget(self, name: str) -> None:
        if self._started.pop(name, None) is not None:
            self._workspace.tasks.cancel(name)

    def forget_outdated(self) -> None:
        """Forget every step that rests on something replaced."""
        for name, needs in self._needs.items():
            step = self._started.get(name)
            if step is not None and not _same(step.rests_on, needs(self._workspace.case)):
                self.forget(name)


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    return all(a is b or (isinstance(a, str) and a == b) for a, b in zip(old, new, strict=True))
