"""Several processes that train one network, as torchrun starts them; alone, a process passes through it unchanged.

    torchrun --nproc-per-node 2 -m app.research.training.train --network lightfusionnet --pairs DIR
        --out runs/lightfusionnet

Every rank cuts the same batch and takes its share of it, and DistributedDataParallel averages their gradients, so a
loss that is a mean over the batch trains to the numbers of one process. Batch norm is the exception: while it learns,
each rank normalises by its own share, and rank 0's running statistics are kept. Rank 0 validates and writes; its curve
is that of its share.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed, nn

from app.base.errors import FusionError
from app.base.progress import Cancelled

LONGEST_WAIT = timedelta(hours=1)  # the others wait while rank 0 validates


class TooManyRanksError(FusionError):
    hint = "Start at most one process for each GPU, or say --device cpu."

    def __init__(self, rank: int, gpus: int) -> None:
        super().__init__(f"Process {rank} on this machine has no GPU of its own: there are {gpus}.")


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Inside, the processes that torchrun started know each other: gloo between CPUs, nccl between GPUs, one each."""
    if "LOCAL_RANK" not in os.environ:  # torchrun sets it
        yield
        return
    if device == "cuda":
        local, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= gpus:
            raise TooManyRanksError(local, gpus)
        torch.cuda.set_device(local)
    distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """This process's number; 0 is the one that writes."""
    return distributed.get_rank() if _several() else 0


def count() -> int:
    return distributed.get_world_size() if _several() else 1


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def parallel(module: nn.Module) -> nn.Module:
    """The module, its gradients averaged over the ranks; parameters that a step leaves out are left out of it."""
    return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True) if _several() else module


@contextmanager
def cancelled_together(device: str) -> Iterator[None]:
    """Cancelled on every rank where it is raised inside on any: a rank that stopped alone would leave others waiting.

    All ranks must come here equally often.
    """
    asked = False
    try:
        yield
    except Cancelled:
        asked = True
    if _several():
        flag = torch.tensor(float(asked), device=device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        asked = bool(flag)
    if asked:
        raise Cancelled
