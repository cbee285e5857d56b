"""Networks' weights as safetensors files: hashed, read, checked, written.

safetensors holds tensors and no code, so opening a stranger's file runs nothing (a pickled checkpoint could). A file
whose SHA-256 is not the manifest's is refused all the same: its pictures would carry another network's name.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.base.errors import FusionError

if TYPE_CHECKING:
    from torch import Tensor, nn

REINSTALL = "Install Synoptic again, or copy model_weights/ from where it came from."


class WeightsError(FusionError):
    """A network cannot be used here, whatever is fused with it; others may."""


class WeightsMissingError(WeightsError):
    hint = REINSTALL

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(f"The weights of {name} are missing: there is no {path}.")


class WeightsAlteredError(WeightsError):
    hint = f"The file is damaged or was exchanged. {REINSTALL}"

    def __init__(self, path: Path, expected: str, actual: str) -> None:
        super().__init__(f"{path} has SHA-256 {actual}, but the manifest vouches for {expected}.")


class WeightsUnknownError(WeightsError):
    hint = f"Nobody vouches for the file. {REINSTALL}"

    def __init__(self, path: Path, actual: str = "") -> None:
        which = f"{path} has SHA-256 {actual}" if actual else f"There is {path}"
        super().__init__(f"{which}, but the manifest vouches for none: it names no weights of that network.")
        self.path = path


class WeightsMismatchError(WeightsError):
    hint = "The file belongs to another network or another version of this one."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} does not fit the network: {fact}.")


class WeightsUnwritableError(WeightsError):
    hint = "Choose a folder that exists and that you may write to."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}.")


class WeightsUnreadableError(WeightsError):
    hint = "Name a safetensors file that is there and may be read."

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path} cannot be read: {error.strerror or error}.")


class HalfRangeError(FusionError):
    hint = "Save it in full precision."

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(f"{path} cannot be written in half precision: {name} is not finite there.")


def sha256_of(path: Path) -> str:
    """Of the file; WeightsUnreadableError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnreadableError(path, error) from error


def save(network: nn.Module, path: Path, arguments: dict[str, Any], *, half: bool = False) -> str:
    """Write a network's tensors and constructor arguments; the SHA-256 of the file. Same tensors, same bytes.

    half : round what is floating to float16, which makes the file half as large; `put` makes it float32 again, and
        what was loaded from such a file gives the same bytes again. HalfRangeError where a value leaves float16's range
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        floating = {name: tensor.half() for name, tensor in tensors.items() if tensor.is_floating_point()}
        for name, tensor in floating.items():
            if not tensor.isfinite().all():
                raise HalfRangeError(path, name)
        tensors |= floating
    return _write(tensors, path, arguments)


def save_over(source: Path, base: Path, target: Path) -> str:
    """Write the tensors of `source` that `base` has not, or has otherwise; the SHA-256 of the file."""
    from safetensors.torch import load_file

    there = load_file(base)
    changed = {
        name: tensor
        for name, tensor in load_file(source).items()
        if name not in there or tensor.dtype != there[name].dtype or not tensor.equal(there[name])
    }
    return _write(changed, target, arguments_in(source))


def _write(tensors: dict[str, Tensor], path: Path, arguments: dict[str, Any]) -> str:
    """The SHA-256 of the file; WeightsUnwritableError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata={"arguments": json.dumps(arguments, sort_keys=True)})
    except (OSError, SafetensorError) as error:
        raise WeightsUnwritableError(path, str(error)) from error
    return sha256_of(path)


def arguments_in(path: Path) -> dict[str, Any]:
    """The constructor arguments that `save` put into a file; WeightsMismatchError where it is no safetensors file, and
    WeightsUnreadableError.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("arguments", "{}"))
    except OSError as error:
        raise WeightsUnreadableError(path, error) from error
    except SafetensorError as error:
        raise WeightsMismatchError(path, str(error)) from error


def tame_batch_norms(network: nn.Module) -> None:
    """Scale each convolution that a batch norm follows so that no running variance is above 1; what comes out is the
    same, but for the norm's small constant. float16 ends at 65504, which variances, and then what they belong to, pass.
    """
    import torch
    from torch import nn

    for block in (module for module in network.modules() if isinstance(module, nn.Sequential)):
        for layer, norm in itertools.pairwise(block):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                with torch.no_grad():
                    scale = norm.running_var.clamp(min=1).sqrt()
                    layer.weight.div_(scale[:, None, None, None])
                    if layer.bias is not None:
                        layer.bias.div_(scale)
                    norm.running_mean.div_(scale)
                    norm.running_var.clamp_(max=1)


def read_tensors(path: Path, expected_sha256: str) -> dict[str, Tensor]:
    """The tensors of a file that is what the manifest says, on the CPU.

    The bytes that were hashed are the bytes that are parsed, so nothing can be exchanged in between.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsUnreadableError(path, error) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected_sha256:
        raise WeightsAlteredError(path, expected_sha256, actual)
    try:
        return load(content)
    except SafetensorError as error:
        raise WeightsMismatchError(path, str(error)) from error


def put(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Load tensors into a network, in its own precision, refusing any name or shape that differs."""
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(own.keys() | given.keys()):
        if own.get(name) != given.get(name):
            fact = f"{name} is {given.get(name, 'absent')} in the file and {own.get(name, 'absent')} in the network"
            raise WeightsMismatchError(path, fact)
    network.load_state_dict(tensors)
