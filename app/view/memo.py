"""Steps of composing a picture, remembered for the very same inputs: a slider that moves then only blends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any


class Memo:
    """Steps already done for the same inputs, the oldest forgotten first. Inputs are held, so an id cannot recur."""

    def __init__(self, entries: int = 24) -> None:
        self._entries = entries
        self._kept: OrderedDict[tuple[Any, ...], tuple[object, Any]] = OrderedDict()

    def get(self, source: object, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """make(), or what it gave before for this source object and key."""
        full = (id(source), *key)
        found = self._kept.get(full)
        if found is not None:
            self._kept.move_to_end(full)
            return found[1]
        made = make()
        self._kept[full] = source, made
        if len(self._kept) > self._entries:
            self._kept.popitem(last=False)
        return made

    def clear(self) -> None:
        self._kept.clear()
