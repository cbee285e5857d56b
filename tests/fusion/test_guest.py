"""A network from outside gives what it gives, or one sentence; what `infer` handles passes through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from app.base.progress import Cancelled
from app.fusion.guest import Guest
from app.fusion.packages import PackageError
from app.fusion.spec import NetworkSpec, Package

SPEC = NetworkSpec("net", "Net", "pkg.net", "Net", None, Package("pkg", "1.2"))
MRI, PARTNER = torch.full((2, 1, 20, 30), 0.6), torch.full((2, 1, 20, 30), 0.2)


class Given(nn.Module):
    """A network that does what the test says."""

    multiple = 8

    def __init__(self, forward: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        self._given = forward

    def forward(self, mri: Tensor, partner: Tensor) -> object:
        return self._given(mri, partner)


def raising(error: BaseException) -> Callable[[Tensor, Tensor], object]:
    def forward(mri: Tensor, partner: Tensor) -> object:
        raise error

    return forward


def test_what_keeps_the_contract_is_passed_on_with_what_it_asks_of_infer():
    guest = Guest(Given(torch.maximum), SPEC)
    assert torch.equal(guest(MRI, PARTNER), MRI)
    assert (guest.multiple, guest.minds_air) == (8, False)


@pytest.mark.parametrize(
    ("forward", "fact"),
    [
        (lambda mri, _: mri[..., 1:], "it gave (2, 1, 20, 29) for sources of (2, 1, 20, 30)"),
        (lambda mri, _: mri[:1], "it gave (1, 1, 20, 30) for sources of (2, 1, 20, 30)"),
        (lambda mri, _: mri.numpy(), "it gave ndarray for sources of (2, 1, 20, 30)"),
        (lambda mri, _: mri / 0, "it gave pixels that are no number"),
        (raising(KeyError("gain")), "it failed on a slice: KeyError: 'gain'"),
        (raising(RuntimeError("sizes differ.")), "it failed on a slice: RuntimeError: sizes differ"),
    ],
)
def test_what_breaks_it_is_one_sentence_with_the_package(forward, fact):
    with pytest.raises(PackageError) as caught:
        Guest(Given(forward), SPEC)(MRI, PARTNER)
    assert str(caught.value) == f"The network net of the package pkg 1.2 cannot be used: {fact}."
    assert "pip uninstall pkg" in caught.value.hint


@pytest.mark.parametrize(
    "error",
    [
        Cancelled(),
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_cancel_and_a_lack_of_memory_are_for_infer(error):
    with pytest.raises(type(error)) as caught:
        Guest(Given(raising(error)), SPEC)(MRI, PARTNER)
    assert caught.value is error
