"""The networks, and how to get one ready to use. Listing them imports no torch, so that menus are there at once.

A network is one file under `app/fusion`, one line in `NETWORKS`, a safetensors file and an entry in the manifest of
`model_weights`. Every one of them keeps this contract, and `tests/fusion` checks it over the list:

    forward: mri, partner (B, 1, H, W) float32 in [0, 1] -> fused (B, 1, H, W) in [0, 1]; any H and W that are multiples
    of the network's attribute `multiple` (1 where it has none; `infer` pads and crops)
"""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.base.assets import model_weights
from app.base.errors import FusionError
from app.fusion import weights
from app.fusion.spec import HEADS, STREETS, NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor, nn


NETWORKS: tuple[NetworkSpec, ...] = (
    NetworkSpec("lightfusionnet", "LightFusionNet", "app.fusion.networks.light_fusion_net", "LightFusionNet", HEADS),
    NetworkSpec("sspfusion", "SSPFusion", "app.fusion.networks.ssp_fusion", "SSPFusion", HEADS),
    NetworkSpec("refinefuse", "RefineFuse", "app.fusion.networks.refine_fuse", "RefineFuse", HEADS),
    NetworkSpec(
        "refinefuse-ir-vis",
        "RefineFuse (infrared-visible)",
        "app.fusion.networks.refine_fuse",
        "RefineFuse",
        STREETS,
    ),
    NetworkSpec("lkcfunet", "LKC-FUNet", "app.fusion.networks.lkc_funet", "LKCFUNet", HEADS),
    NetworkSpec("average", "Average", "app.fusion.classical", "Average", None),
    NetworkSpec("maximum", "Maximum", "app.fusion.classical", "Maximum", None),
    NetworkSpec("laplacian", "Laplacian pyramid", "app.fusion.classical", "LaplacianPyramid", None),
    NetworkSpec("salient", "Salient pyramid", "app.fusion.classical", "SalientPyramid", None),
)


class UnknownNetworkError(FusionError):
    def __init__(self, name: str, listed: tuple[NetworkSpec, ...]) -> None:
        names = ", ".join(spec.name for spec in listed)
        super().__init__(f"There is no network {name!r}.", hint=f"Available are: {names}.")


_ready: dict[tuple[str, str, str], nn.Module] = {}  # (folder, name, sha256): one copy of each, wherever it is used
_lock = threading.Lock()


def available(folder: Path | None = None) -> tuple[NetworkSpec, ...]:
    """What can run now: the classical ones, and networks whose weights file the manifest names and which is there."""
    return tuple(spec for spec in NETWORKS if missing(spec, folder) is None)


def listed(name: str, folder: Path | None = None) -> NetworkSpec:
    """The spec of that name, whether it can run here or not; UnknownNetworkError, naming those that can."""
    for spec in NETWORKS:
        if spec.name == name:
            return spec
    raise UnknownNetworkError(name, available(folder))


def find(name: str, folder: Path | None = None) -> NetworkSpec:
    """The spec of that name; UnknownNetworkError, naming what is available, or why it cannot run here."""
    spec = listed(name, folder)
    if missing(spec, folder) is not None and (error := refusal(spec, folder)):
        raise error
    return spec


def check(name: str, folder: Path | None = None) -> None:
    """Raise what `load` would, before any work is done: UnknownNetworkError, or the network's `refusal`."""
    error = refusal(find(name, folder), folder)
    if error is not None:
        raise error


def missing(spec: NetworkSpec, folder: Path | None = None) -> FusionError | None:
    """Why a network cannot run, as far as can be told at once, without a look into its weights; None otherwise."""
    folder = folder or model_weights()
    try:
        paths = [] if spec.classical else [folder / file for file, _ in _files(_entry(spec, folder))]
    except FusionError as error:
        return error
    return next((weights.WeightsMissingError(spec.name, path) for path in paths if not path.is_file()), None)


def refusal(spec: NetworkSpec, folder: Path | None = None) -> FusionError | None:
    """Why a network cannot run: no weights, or others than the manifest vouches for, with their hash; None otherwise.

    Reads all of the weights.
    """
    folder = folder or model_weights()
    error = missing(spec, folder)
    if isinstance(error, weights.WeightsUnknownError):
        return weights.WeightsUnknownError(error.path, weights.sha256_of(error.path))
    if error is not None or spec.classical:
        return error
    for file, expected in _files(_entry(spec, folder)):
        if (found := weights.sha256_of(folder / file)) != expected:
            return weights.WeightsAlteredError(folder / file, expected, found)
    return None


def weights_sha256(spec: NetworkSpec, folder: Path | None = None) -> str:
    """The SHA-256 that the manifest vouches for and `load` enforces; "" for classical methods."""
    return "" if spec.classical else str(_entry(spec, folder or model_weights())["sha256"])


def describe(spec: NetworkSpec, folder: Path | None = None) -> dict[str, Any]:
    """What `synoptic networks` tells of one: JSON-ready; None where there is nothing to tell.

    over : file and sha256 of the weights that `weights` are the difference from
    quality : means of the metrics per task over validation pairs, and the command that measured them
    ms_per_slice : of a slice of 256 x 256 on the CPU, and with how many threads (`validation --publish`)
    """
    folder = folder or model_weights()
    entry = weights.read_manifest(folder).get(spec.name, {})
    card = folder / entry.get("card", f"{spec.name}.md")
    return {
        "name": spec.name,
        "title": spec.title,
        "classical": spec.classical,
        "parameters": entry.get("parameters", 0),
        "weights": entry.get("file"),
        "sha256": entry.get("sha256"),
        "over": entry.get("over"),
        "training_data": entry.get("training_data"),
        "licence": entry.get("licence", "Apache-2.0, as the program" if spec.classical else None),
        "quality": entry.get("quality"),
        "ms_per_slice": entry.get("ms_per_slice"),
        "card": card.read_text("utf-8") if card.is_file() else None,
    }


def build(name: str, **arguments: Any) -> nn.Module:
    """A network as its constructor leaves it, untrained; the name may be any in `NETWORKS`."""
    spec = listed(name)
    return getattr(importlib.import_module(spec.module), spec.factory)(**arguments)


def load(name: str, device: str = "cpu", folder: Path | None = None) -> nn.Module:
    """A network ready for inference on `device`, built once and kept.

    Raises UnknownNetworkError, WeightsAlteredError (with the two hashes) or WeightsMismatchError (names or shapes).
    """
    folder = folder or model_weights()
    spec = find(name, folder)
    key = (str(folder.resolve()), name, weights_sha256(spec, folder))
    with _lock:  # two threads must not build one network twice, nor move it at the same time
        if key not in _ready:
            _ready[key] = _load(spec, folder)
        return _ready[key].to(device)


def _load(spec: NetworkSpec, folder: Path) -> nn.Module:
    if spec.classical:
        return build(spec.name).eval()
    entry = _entry(spec, folder)
    tensors: dict[str, Tensor] = {}
    for file, sha256 in _files(entry):
        tensors |= weights.read_tensors(folder / file, sha256)
    network = build(spec.name, **entry.get("arguments", {}))
    weights.put(network, tensors, folder / entry["file"])
    return network.eval().requires_grad_(False)


def _entry(spec: NetworkSpec, folder: Path) -> dict[str, Any]:
    entry = weights.read_manifest(folder).get(spec.name)
    if entry is None:
        path = folder / f"{spec.name}.safetensors"
        if path.is_file():
            raise weights.WeightsUnknownError(path)
        raise weights.WeightsMissingError(spec.name, path)
    for part in (entry, entry.get("over", entry)):
        for key in ("file", "sha256"):
            if not isinstance(part, dict) or not isinstance(part.get(key), str):
                raise weights.ManifestError(folder / weights.MANIFEST, f"{spec.name} has no {key!r}")
    return entry


def _files(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """File and SHA-256 of what an entry's weights are read from, one over the other."""
    return [(part["file"], part["sha256"]) for part in (entry.get("over"), entry) if part]
