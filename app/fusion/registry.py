"""The networks, and how to get one ready to use. Listing them imports no torch, so that menus are there at once.

A network is one file under `app/fusion/networks`, one line in `NETWORKS`, a safetensors file and an entry in the
manifest of `model_weights`; or it comes from another package (`packages`). Every one of them keeps this contract, and
`tests/fusion` checks it over the list:

    forward: mri, partner (B, 1, H, W) float32 in [0, 1] -> fused (B, 1, H, W) in [0, 1]; any H and W that are multiples
    of the network's attribute `multiple` (1 where it has none; `infer` pads and crops)

`folder`, wherever it is taken, stands for `model_weights`; weights of other packages lie beside these.
"""

from __future__ import annotations

import importlib
import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app.base import memory
from app.base.assets import model_weights
from app.base.errors import FusionError
from app.fusion import manifest, packages, weights
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

LESIONS_KEPT = 0.95  # of the planted lesions that are fair to ask for: below it a picture hides what a reader looks for


class UnknownNetworkError(FusionError):
    def __init__(self, name: str, listed: tuple[NetworkSpec, ...]) -> None:
        names = ", ".join(spec.name for spec in listed)
        super().__init__(f"There is no network {name!r}.", hint=f"Available are: {names}.")


_ready: dict[tuple[str, str, str], nn.Module] = {}  # (folder, name, sha256): one copy of each, wherever it is used
_lock = threading.Lock()


def networks() -> tuple[NetworkSpec, ...]:
    """All of them, those of other packages last; also those that cannot run here."""
    own = {spec.name for spec in NETWORKS}
    guests: dict[str, NetworkSpec] = {}
    for spec in packages.installed():
        if spec.name not in own:
            guests.setdefault(spec.name, spec)
    return (*NETWORKS, *guests.values())


def clashes() -> tuple[packages.NameTakenError, ...]:
    """Networks of other packages that are left out, since another has their name."""
    first = {spec.name: spec for spec in networks()}
    return tuple(
        packages.NameTakenError(spec.package, spec.name, first[spec.name].package)
        for spec in packages.installed()
        if spec.package and first[spec.name] is not spec
    )


def package_errors() -> tuple[FusionError, ...]:
    """What to say at the start of networks of other packages, as far as is known without a look into their weights."""
    broken = [error for spec in networks() if spec.package and (error := missing(spec))]
    return (*broken, *clashes())


def available(folder: Path | None = None) -> tuple[NetworkSpec, ...]:
    """What can run now: the classical ones, and networks whose weights file the manifest names and which is there."""
    return tuple(spec for spec in networks() if missing(spec, folder) is None)


def first_choice(usable: tuple[NetworkSpec, ...] | None = None) -> NetworkSpec:
    """What is taken where nobody has chosen: of the networks that keep lesions, the one that takes the least time.

    Networks for patients alone; where none is known to keep LESIONS_KEPT of those planted, the first that can run.
    """
    usable = available() if usable is None else usable
    times: dict[str, float] = {}
    for spec in usable:
        entry = measured(spec)
        if entry.lesions and entry.ms_per_slice and not loses_lesions(spec):
            times[spec.name] = entry.ms_per_slice.get("cpu", math.inf)
    return min(usable, key=lambda spec: times.get(spec.name, math.inf))  # the first of equals


def loses_lesions(spec: NetworkSpec, folder: Path | None = None) -> bool:
    """Whether the network is known to show fewer of the planted lesions than a reader may ask for."""
    lesions = measured(spec, folder).lesions
    return lesions is not None and lesions.share_shown < LESIONS_KEPT


def listed(name: str, folder: Path | None = None) -> NetworkSpec:
    """The spec of that name, whether it can run here or not; UnknownNetworkError, naming those that can."""
    for spec in networks():
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
    if spec.problem or spec.classical:
        return spec.problem
    try:
        paths = [path for path, _ in _files(spec, folder)]
    except FusionError as error:
        return _blamed(error, spec)
    absent = next((weights.WeightsMissingError(spec.name, path) for path in paths if not path.is_file()), None)
    return absent and _blamed(absent, spec)


def refusal(spec: NetworkSpec, folder: Path | None = None) -> FusionError | None:
    """Why a network cannot run: no weights, or others than the manifest vouches for, with their hash; None otherwise.

    Reads all of the weights.
    """
    error = missing(spec, folder)
    if isinstance(error, weights.WeightsUnknownError):
        return weights.WeightsUnknownError(error.path, weights.sha256_of(error.path))
    if error is not None or spec.classical:
        return error
    for path, expected in _files(spec, folder):
        if (actual := weights.sha256_of(path)) != expected:
            return _blamed(weights.WeightsAlteredError(path, expected, actual), spec)
    return None


def weights_sha256(spec: NetworkSpec, folder: Path | None = None) -> str:
    """The SHA-256 that the manifest vouches for and `load` enforces; "" for classical methods."""
    return "" if spec.classical else _entry(spec, folder).sha256 or ""


def measured(spec: NetworkSpec, folder: Path | None = None) -> manifest.Entry:
    """What the manifest says of a network; an empty entry where it has none, or none that can be read (`missing`)."""
    try:
        return manifest.read_entry(_home(spec, folder), spec.name) or manifest.Entry()
    except manifest.ManifestError:
        return manifest.Entry()


def describe(spec: NetworkSpec, folder: Path | None = None) -> dict[str, Any]:
    """What `synoptic networks` tells of one: JSON-ready; None where there is nothing to tell.

    over : file and sha256 of the weights that `weights` are the difference from
    trained_on : modalities, planes and body parts that it has seen
    package : who brings it, where that is not Synoptic
    quality : means of the metrics per task over validation pairs, and the command that measured them
    ms_per_slice : of a slice of 256 x 256 on the CPU, and with how many threads (`validation --publish`)
    lesions : of those planted how many it shows, of places without one how many it invents
    """
    entry = measured(spec, folder)
    card = _home(spec, folder) / (entry.card or f"{spec.name}.md")
    facts = {
        "name": spec.name,
        "title": spec.title,
        "classical": spec.classical and spec.problem is None,
        "package": str(spec.package) if spec.package else None,
        "parameters": entry.parameters,
        "weights": entry.file,
        "sha256": entry.sha256,
        "over": entry.over,
        "trained_on": msgspec.to_builtins(spec.trained_on, order="deterministic"),
        "training_data": entry.training_data,
        "licence": entry.licence or ("Apache-2.0, as the program" if spec.classical and not spec.package else None),
        "quality": entry.quality,
        "ms_per_slice": entry.ms_per_slice,
        "lesions": entry.lesions,
        "card": card.read_text("utf-8") if card.is_file() else None,
    }
    return msgspec.to_builtins(facts)


def build(name: str, **arguments: Any) -> nn.Module:
    """A network as its constructor leaves it, untrained; the name may be any in `NETWORKS`."""
    spec = listed(name)
    return getattr(importlib.import_module(spec.module), spec.factory)(**arguments)


def load(name: str, device: str = "cpu", folder: Path | None = None) -> nn.Module:
    """A network ready for inference on `device`, built once and kept.

    Raises UnknownNetworkError, WeightsAlteredError (with the two hashes), WeightsMismatchError (names or shapes) or
    PackageError (a network from another package that cannot be made).
    """
    spec = find(name, folder)
    key = (str(_home(spec, folder).resolve()), name, weights_sha256(spec, folder))
    with _lock:  # two threads must not build one network twice, nor move it at the same time
        if key not in _ready:
            _ready[key] = _load(spec, folder)
        return _ready[key].to(device)


def _load(spec: NetworkSpec, folder: Path | None) -> nn.Module:
    network = _built(spec, {} if spec.classical else _entry(spec, folder).arguments)
    if not spec.classical:
        tensors: dict[str, Tensor] = {}
        files = _files(spec, folder)
        try:
            for path, sha256 in files:
                tensors |= weights.read_tensors(path, sha256)
            weights.put(network, tensors, files[-1][0])
        except weights.WeightsError as error:
            _blamed(error, spec)
            raise
    if spec.package:
        from app.fusion.guest import Guest

        network = Guest(network, spec)
    return network.eval().requires_grad_(False)


def _built(spec: NetworkSpec, arguments: dict[str, Any]) -> nn.Module:
    try:
        return build(spec.name, **arguments)
    except Exception as error:
        if spec.package is None or memory.ran_out(error):
            raise
        fact = f"it cannot be made: {type(error).__name__}: {error}".rstrip(".")
        raise packages.PackageError(spec.package, spec.name, fact) from error


def _home(spec: NetworkSpec, folder: Path | None) -> Path:
    """Where a network's manifest, weights and card lie."""
    return spec.package.folder if spec.package else folder or model_weights()


def _entry(spec: NetworkSpec, folder: Path | None) -> manifest.Entry:
    home = _home(spec, folder)
    entry = manifest.read_entry(home, spec.name)
    if entry is None or not entry.files():
        path = home / f"{spec.name}.safetensors"
        if path.is_file():
            raise weights.WeightsUnknownError(path)
        raise weights.WeightsMissingError(spec.name, path)
    return entry


def _files(spec: NetworkSpec, folder: Path | None) -> list[tuple[Path, str]]:
    """Path and SHA-256 of what the weights are read from, one over the other."""
    home = _home(spec, folder)
    return [(home / part.file, part.sha256) for part in _entry(spec, folder).files()]


def _blamed(error: FusionError, spec: NetworkSpec) -> FusionError:
    """The same error; where another package brings the network, with what to do about that package."""
    if spec.package:
        error.hint = packages.remedy(spec.package)
    return error
