"""A network from another package, held to the contract of `registry`: what it breaks is one sentence, not a crash."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from app.base import memory
from app.base.errors import AppError
from app.base.progress import Cancelled
from app.fusion.packages import PackageError
from app.fusion.spec import NetworkSpec


class Guest(nn.Module):
    """Gives what the network gives, after a look at it; what torch raises for want of memory is left to `infer`."""

    def __init__(self, network: nn.Module, spec: NetworkSpec) -> None:
        super().__init__()
        assert spec.package is not None
        self.network, self._name, self._package = network, spec.name, spec.package
        self.multiple = int(getattr(network, "multiple", 1))
        self.minds_air = bool(getattr(network, "minds_air", False))

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        try:
            fused = self.network(mri, partner)
        except (AppError, Cancelled, torch.cuda.OutOfMemoryError):
            raise
        except Exception as error:
            if memory.ran_out(error):
                raise
            raise self._broken(f"it failed on a slice: {type(error).__name__}: {error}".rstrip(".")) from error
        if not isinstance(fused, Tensor) or fused.shape != mri.shape:
            gave = f"{tuple(fused.shape)}" if isinstance(fused, Tensor) else type(fused).__name__
            raise self._broken(f"it gave {gave} for sources of {tuple(mri.shape)}")
        if not fused.isfinite().all():
            raise self._broken("it gave pixels that are no number")
        return fused

    def _broken(self, fact: str) -> PackageError:
        return PackageError(self._package, self._name, fact)
