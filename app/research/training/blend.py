"""Weights between those of a run and those it began with.

    python -m app.research.training.blend --network NAME BEGUN.safetensors RUN.safetensors --share 0.5
        --out FILE.safetensors

Both lie in one valley of the loss, so that the line between them trades the one's strengths for the other's (WiSE-FT;
Wortsman et al. 2022, doi:10.1109/CVPR52688.2022.00780).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from app.base.errors import UsageError
from app.base.progress import Progress
from app.base.terminal import exit_code
from app.fusion import weights
from app.research.evaluation.fusers import from_file


class ShareError(UsageError):
    def __init__(self, share: float) -> None:
        super().__init__(f"--share {share} is no share of the second file.", hint="Give a number from 0 to 1.")


def blend(name: str, first: Path, second: Path, share: float, out: Path) -> None:
    """Write (1 - share) of the first file's weights and `share` of the second's; WeightsMismatchError where the second
    does not fit the network that the first was made for.
    """
    if not 0 <= share <= 1:
        raise ShareError(share)
    ours, theirs = from_file(name, first), from_file(name, first)
    weights.put(theirs, weights.read_tensors(second, weights.sha256_of(second)), second)
    for tensor, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        if tensor.is_floating_point():
            tensor.lerp_(other, share)
    weights.save(ours, out, weights.arguments_in(first))


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.training.blend", description=__doc__)
    parser.add_argument("begun", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--network", required=True)
    parser.add_argument("--share", type=float, required=True, help="of the second, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(given)

    def work(progress: Progress) -> None:
        blend(args.network, args.begun, args.run, args.share, args.out)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
