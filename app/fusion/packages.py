"""Networks that other installed packages bring: entry points in the group `synoptic.networks`.

    [project.entry-points."synoptic.networks"]
    gatenet = "gatenet.network:GateNet"

The name is the network's; the value is the class that makes it, and beside the file of that class lie the manifest, the
weights and the card. Title and training are read from the manifest, so nothing of the package is imported to list it: a
broken one is a sentence in the list and stops nothing, and torch stays out. A page of the manual walks through one:
resources/manual/a-network-of-your-own.md.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from app.fusion import manifest
from app.fusion.spec import NetworkSpec, Package
from app.fusion.weights import WeightsError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "synoptic.networks"
_NAME = re.compile(r"[\w.-]+")  # names stand in lists with commas and in keys with blanks between


class PackageError(WeightsError):
    """A network from another package cannot be used; `fact` says why."""

    def __init__(self, package: Package, network: str, fact: str) -> None:
        self.network = network
        super().__init__(
            f"The network {network} of the package {package} cannot be used: {fact}.", hint=remedy(package)
        )


class NameTakenError(PackageError):
    def __init__(self, package: Package, network: str, owner: Package | None) -> None:
        whose = f"that of {owner}" if owner else "Synoptic's own"
        super().__init__(package, network, f"there are two networks of that name, and {whose} comes first")


def remedy(package: Package) -> str:
    """What to do about a package that is broken."""
    return f"Update the package, or remove it with: pip uninstall {package.name}. Other networks do without it."


@cache
def installed() -> tuple[NetworkSpec, ...]:
    """In the order of names and packages, also those that cannot be used, with the reason; looked for once."""
    if not any(map(_may_bring_one, map(Path, sys.path))):
        return ()
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP)
    specs = {(point.name, package.name): spec_of(point, package) for point in points if (package := _package(point))}
    return tuple(specs[key] for key in sorted(specs))


def _may_bring_one(place: Path) -> bool:
    """Whether a place on the path has to be looked through, which mostly is not so.

    importlib.metadata looks through all; to import it takes 14 ms of the window's start, and this look 2 ms.
    """
    lists = (file for kind in ("dist", "egg") for file in place.glob(f"*.{kind}-info/entry_points.txt"))
    return place.is_file() or any(_names_group(file) for file in lists)  # a file is a zip archive


def _names_group(entry_points: Path) -> bool:
    try:
        return GROUP.encode() in entry_points.read_bytes()
    except OSError:  # of a package that may not be read, which brings nothing then
        return False


def spec_of(point: EntryPoint, package: Package) -> NetworkSpec:
    """What is known of the network without importing it; with the reason in `problem` where it cannot be used."""
    try:
        return _read(point, package)
    except PackageError as error:
        problem = error
    except manifest.ManifestError as error:
        problem = PackageError(package, point.name, error.fact)
    return NetworkSpec(point.name, point.name, point.module, point.attr, None, package, problem)


def _read(point: EntryPoint, package: Package) -> NetworkSpec:
    if not _NAME.fullmatch(point.name):
        raise PackageError(package, repr(point.name), "a name may hold letters, digits, '_', '-' and '.' alone")
    folder = folder_of(point.module)
    if folder is None or not point.attr:
        raise PackageError(package, point.name, f"{point.value!r} names no class in a module of an installed package")
    package = Package(package.name, package.version, folder)
    entry = manifest.read_entry(folder, point.name)
    if entry is None:
        raise PackageError(package, point.name, f"{folder / manifest.NAME} has no entry for it")
    if entry.files() and entry.trained_on is None:
        raise PackageError(
            package, point.name, f"its entry in {folder / manifest.NAME} says not what it was trained_on"
        )
    trained_on = entry.trained_on if entry.files() else None
    return NetworkSpec(point.name, entry.title or point.name, point.module, point.attr, trained_on, package)


def folder_of(module: str) -> Path | None:
    """Where the file of a module lies, found without importing it or its package; None where it is in no package."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module made by hand, without a spec
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    name, folders = top, list(spec.submodule_search_locations)
    for part in inner:
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, folders)
        if spec is None:
            return None
        if not spec.submodule_search_locations:
            return Path(spec.origin).parent if spec.origin and name == module else None
        folders = list(spec.submodule_search_locations)
    return Path(folders[0])


def _package(point: EntryPoint) -> Package | None:
    """Who brings an entry point; None for one that belongs to no distribution, which none that was read does."""
    return Package(point.dist.name, point.dist.version) if point.dist else None
