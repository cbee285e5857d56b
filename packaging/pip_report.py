"""Answers setup.sh from the report of `pip install --dry-run --report FILE`.

pip_report.py torch-is-for-cpu FILE      exit code 0 when the torch that pip would install brings no CUDA, else 1
pip_report.py download-over-1-gb FILE    prints the size of all that pip would download where it is over 1 GB
"""

from __future__ import annotations

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ONE_GB = 10**9


def torch_is_for_cpu(report: dict[str, Any]) -> bool:
    """Whether none of torch's requirements that apply on this machine is one of NVIDIA's libraries."""
    (torch,) = (item["metadata"] for item in report["install"] if item["metadata"]["name"] == "torch")
    wanted = [Requirement(text) for text in torch.get("requires_dist", ())]
    return not any(
        one.name.startswith(("nvidia-", "cuda-")) and (one.marker is None or one.marker.evaluate({"extra": ""}))
        for one in wanted
    )


def download_bytes(item: dict[str, Any]) -> int | None:
    """Size of one download from what the server says; 0 for a file of this machine, None where it does not say."""
    url = item["download_info"]["url"]
    if url.startswith("file:"):
        return 0
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:
            return int(answer.headers["Content-Length"])
    except (OSError, HTTPException, TypeError):  # HEAD refused, a proxy that wants a password: pip will say more
        return None


def download_over_1_gb(report: dict[str, Any]) -> str:
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(download_bytes, report["install"]))
    known = sum(size for size in sizes if size is not None)
    unknown = sizes.count(None)
    if known <= ONE_GB and not unknown:
        return ""
    return f"{known / 1e9:.1f} GB" + (f" and {unknown} files of unknown size" if unknown else "")


def main(question: str, path: str) -> int:
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    if question == "torch-is-for-cpu":
        return 0 if torch_is_for_cpu(report) else 1
    print(download_over_1_gb(report))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
