"""LKC-FUNet's weights with what they add to the brighter source made stronger, or weaker.

    python -m app.research.training.amplify FILE.safetensors --by 1.2 --out AMPLIFIED.safetensors

Of weights made `from_maximum`: the last convolution's, and its bias, times that number. A network that follows pictures
it cannot follow fully adds too little, as a mean over its doubts does.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from app.base.errors import UsageError
from app.base.progress import Progress
from app.base.terminal import exit_code
from app.fusion import weights
from app.fusion.networks.lkc_funet import LKCFUNet
from app.research.evaluation.fusers import from_file


class AmplifyError(UsageError):
    hint = "Give a number above 0, and weights of LKC-FUNet that were trained from the maximum."

    def __init__(self, fact: str) -> None:
        super().__init__(f"Nothing can be amplified: {fact}.")


def amplify(file: Path, by: float, out: Path) -> None:
    """Write the file's weights, so that (fused - brighter source), where it is not clipped, is `by` times as large."""
    if not (math.isfinite(by) and by > 0):
        raise AmplifyError(f"--by is {by}")
    network = from_file("lkcfunet", file)
    assert isinstance(network, LKCFUNet)
    if not network.from_maximum:
        raise AmplifyError(f"the network of {file} does not begin from the brighter source")
    with torch.no_grad():
        for parameter in network.head[-1].parameters():
            parameter.mul_(by)
    weights.save(network, out, weights.arguments_in(file))


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.training.amplify", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--by", type=float, required=True, help="1 changes nothing")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(given)

    def work(progress: Progress) -> None:
        amplify(args.file, args.by, args.out)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
