"""Steps of composing a picture, remembered for the very same inputs: a slider that moves then only blends."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from app.core.volume import Volume

T = TypeVar("T")


class Memo:
    """Steps already done for the same inputs, the oldest forgotten first. Inputs are held, so an id cannot recur."""

    def __init__(self, entries: int = 24) -> None:
        self._entries = entries
        self._kept: OrderedDict[tuple[Any, ...], tuple[object, Any]] = OrderedDict()

    def get(self, source: object, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """make(), or what it gave before for this source object and key."""
        full = (id(source), *key)
        kept = self._kept.get(full)
        if kept is not None:
            self._kept.move_to_end(full)
            return kept[1]
        result = make()
        self._kept[full] = source, result
        if len(self._kept) > self._entries:
            self._kept.popitem(last=False)
        return result

    def clear(self) -> None:
        self._kept.clear()


def per_volume(work: Callable[[Volume], T]) -> Callable[[Volume], T]:
    """A function that works its answer out once for each volume, and remembers it as long as the volume lives."""
    kept: dict[int, tuple[weakref.ref[Volume], T]] = {}

    def remembered(volume: Volume) -> T:
        key = id(volume)
        known = kept.get(key)
        if known is not None and known[0]() is volume:
            return known[1]
        answer = work(volume)
        kept[key] = weakref.ref(volume, lambda _: kept.pop(key, None)), answer
        return answer

    remembered.__doc__ = work.__doc__
    return remembered
