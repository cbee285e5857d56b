"""How soon a pair seen before shows its fusion again, with three layers of 256 x 256 x 256 open.

    python tests/bench/pairs.py [--rounds 20] [--json]

Opens an MRI with two partners of one frame of reference and a third layer over them, lets both pairs be fused, and
switches between them: from asking for the other partner to the end of the fused pane's paint. Goal: 100 ms. Beside it,
in the same run, what would have to be computed without what is kept: the partner resampled onto the MRI's grid, and the
fusion; and, as a floor, numpy alone blending one slice of the two arrays.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
SIDE = 256
GOAL_MS = 100.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    table = measure(args.rounds)
    print(json.dumps(table) if args.json else "\n".join(f"{name:58}{ms:>10.2f} ms" for name, ms in table.items()))


def measure(rounds: int) -> dict[str, float]:
    """Medians and the longest switch, in ms."""
    from PySide6.QtWidgets import QApplication

    from app.case import alignment, fusing
    from app.case.layers import Layer
    from app.ui.flow.first_look import FirstLook
    from app.ui.flow.pair_flow import PairFlow
    from app.ui.flow.workspace import Workspace
    from app.ui.panes.layouts import ViewArea
    from app.view.windows import default_window
    from tests.scenes import head

    application = QApplication.instance() or QApplication(["bench"])
    volumes = []
    for seed, modality in enumerate(("MR", "PT", "CT", "NM")):
        source = head(SIDE, SIDE, seed)[0]
        series = replace(source.series, frame_of_reference_uid="1.2.3", modality=modality, uid=f"1.2.3.{seed}")
        volumes.append(replace(source, series=series, modality=modality))
        default_window(volumes[-1])  # as whoever reads a volume does, in the worker
    mri, pet, ct, spect = volumes
    workspace = Workspace()
    flow, area = PairFlow(workspace), ViewArea(workspace)
    looks = FirstLook(workspace)
    workspace.update(layout="overlay")
    area.resize(800, 800)
    area.show()

    def settle() -> None:
        while flow.pending:
            application.processEvents()
            time.sleep(0.002)

    def timed(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - began)

    def show(partner: object) -> None:
        workspace.set_case(partner=partner)
        workspace.update(fusion=1.0)
        application.processEvents()
        area.panes["fused"].grab()
        assert area.panes["fused"].picture().kind == "fusion"

    workspace.set_case(mri=mri, partner=pet)
    settle()
    workspace.set_case(partner=ct)
    settle()
    third = replace(Layer.of(spect), visible=True, opacity=0.3)
    workspace.set_case(layers=(*workspace.case.layers, third))
    settle()
    for partner in (pet, ct):  # seen before, with its fusion
        show(partner)
    switches = [timed(lambda partner=partner: show(partner)) for _ in range(rounds) for partner in (pet, ct)]
    stack = workspace.case.stack
    assert stack is not None
    assert looks is not None
    aligned = stack.aligned
    aligning = timed(lambda: alignment.align(mri, ct, aligned.registration))
    fusion = timed(lambda: fusing.fuse_pair(aligned, stack.request))
    first, second = (np.ascontiguousarray(volume.stored[SIDE // 2]).astype(np.float32) for volume in (mri, ct))
    blending = float(np.median([timed(lambda: 0.5 * first + 0.5 * second) for _ in range(rounds)]))
    area.close()
    workspace.tasks.stop()
    return {
        "back to a pair seen before, to the end of the paint, median": float(np.median(switches)),
        f"  the longest of {len(switches)} (goal {GOAL_MS:.0f})": max(switches),
        "without what is kept: resampling the partner": aligning,
        "without what is kept: fusing (average, the quickest)": fusion,
        "numpy alone: two slices blended": blending,
    }


if __name__ == "__main__":
    main()
