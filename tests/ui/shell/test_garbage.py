"""Cyclic garbage goes in the GUI thread, whichever thread allocates."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from app.ui.shell import garbage
from tests.waiting import wait_until


class Node:
    """Two of these that know each other are freed by the collector alone."""


def dropped_cycle() -> list[int]:
    """Makes a cycle and lets go of it; into the list goes the thread that collects it."""
    one, other = Node(), Node()
    one.other, other.other = other, one
    collected: list[int] = []
    weakref.finalize(one, lambda: collected.append(threading.get_ident()))
    return collected


def allocate_in_a_thread() -> None:
    thread = threading.Thread(target=lambda: [[] for _ in range(200_000)])
    thread.start()
    thread.join()


@pytest.fixture(autouse=True)
def _collected_before():
    gc.collect()


def test_without_it_the_thread_that_allocates_collects():
    collected = dropped_cycle()
    allocate_in_a_thread()
    assert collected not in ([], [threading.get_ident()])


def test_within_it_the_gui_thread_collects(qapp):
    with garbage.collected_here():
        collected = dropped_cycle()
        allocate_in_a_thread()
        assert collected == []
        kept = [[] for _ in range(gc.get_threshold()[0] + 1)]  # enough for a collection to be due
        wait_until(lambda: bool(collected))
        assert kept
    assert collected == [threading.get_ident()]
    assert gc.isenabled()


def test_what_is_set_apart_is_looked_through_no_more(qapp):
    kept = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    garbage.set_apart()
    assert gc.get_freeze_count() == before  # nowhere else
    with garbage.collected_here():
        garbage.set_apart()
        assert not any(one is kept for one in gc.get_objects())
    assert any(one is kept for one in gc.get_objects())
