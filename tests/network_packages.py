"""Packages that bring networks, put on the path as pip would."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from app.fusion import packages, weights

MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(scale)))
    def forward(self, mri, partner):
        return {result}
"""
SEEN = {"modalities": ["MR", "CT"], "body_parts": ["HEAD"]}


class Site:
    """A folder on the path, into which packages are put as pip would; each brings networks by entry points."""

    def __init__(self, site: Path) -> None:
        self.site = site

    def put(self, package: str, points: dict[str, str], **modules: str) -> Path:
        """`points`: name and value of each entry point; `modules`: the package's modules and their text."""
        folder = self.site / package
        folder.mkdir()
        for name, text in ({"__init__": ""} | modules).items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        info = self.site / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n", encoding="utf-8")
        lines = [f"[{packages.GROUP}]", *(f"{name} = {value}" for name, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        packages.installed.cache_clear()
        return folder

    def net(self, package: str, name: str = "net", result: str = "self.scale * mri", **entry: object) -> Path:
        """A whole package of one network; `entry` changes what its manifest says."""
        folder = self.put(package, {name: f"{package}.net:Net"}, net=MODULE.format(result=result))
        file = folder / "net.safetensors"
        network = torch.nn.Module()
        network.scale = torch.nn.Parameter(torch.tensor(0.5))
        sha256 = weights.save(network, file, {})
        fields = {"title": "Net", "file": file.name, "sha256": sha256, "parameters": 1, "trained_on": SEEN} | entry
        (folder / "manifest.json").write_text(json.dumps({name: fields}), encoding="utf-8")
        packages.installed.cache_clear()
        return folder


@contextmanager
def site_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Inside, what is put there is installed; names of packages begin with "pkg_", so that they can be forgotten."""
    monkeypatch.syspath_prepend(str(folder))
    packages.installed.cache_clear()
    try:
        yield Site(folder)
    finally:
        monkeypatch.undo()
        packages.installed.cache_clear()
        for name in [name for name in sys.modules if name.startswith("pkg_")]:
            del sys.modules[name]
