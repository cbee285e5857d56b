"""What a reader can tell from a picture's colours: python -m tests.bench.colour [--networks NAMES] [--partners NAMES]

On the demo study's slices 100 to 109, each partner at its true place. For every network and palette, beside the plain
overlay at 50 %:

- uptake, MRI: the share of their variance over brain voxels that quadratic least squares tell from the colour (OKLab)
- lesion: how far its mean colour lies from white matter's in OKLab, and that distance in their pooled standard
  deviations along it (d'); the lesion within 4 mm of its centre, white matter 2 mm and more inside its border
- places: how many of the six hottest places are in the order of the PET when each is read off the bar, that is, given
  the uptake of the bar's colour that is nearest to its own

Goals: uptake 0.97, MRI 0.95, d' no less than the overlay's in Hot Iron, six places of six. Below, by how much uptake
ever seems to fall while it rises, for readers with and without colour blindness; 0.02 is just noticeable.

Fused slices are kept in scratch/colour_bench by network and weights, so that a second run takes seconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, uniform_filter

from app.case import pipeline
from app.case.alignment import Aligned
from app.case.fusing import default_request
from app.core.geometry import Geometry, transform_points
from app.core.oklab import Lab, from_srgb
from app.core.palettes import PALETTES, fused_colours
from app.core.values import to_unit
from app.core.volume import Volume
from app.files import readers
from app.fusion import infer, registry
from app.phantom.head import LESION_MM, paint_head
from app.phantom.scanners import poses
from app.phantom.shapes import Tissue
from app.phantom.study import write_demo
from app.registration.register import from_file
from app.view.colours import levels, rgb
from app.view.mixing import Mix, overlay_table
from tests.colour_vision import VISION, falls_back

SCRATCH = Path(__file__).resolve().parents[2] / "scratch" / "colour_bench"
SLICES = slice(100, 110)
NETWORKS = "lightfusionnet,refinefuse,sspfusion,lkcfunet"
BRAIN = (
    Tissue.GREY, Tissue.WHITE, Tissue.STRIATUM, Tissue.PALLIDUM, Tissue.THALAMUS, Tissue.CEREBELLUM, Tissue.BRAINSTEM,
    Tissue.LESION,
)  # fmt: skip
LESION_RADIUS_MM, WHITE_DEPTH_MM = 4.0, 2.0
PLACES, PLACE_RADIUS_MM, APART_MM = 6, 2.5, 12.0


@dataclass(frozen=True)
class Truth:
    """Where the tissues are on the slices, bool [k, j, i]; 1 mm voxels."""

    brain: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    white: NDArray[np.bool_]


@dataclass(frozen=True)
class Pair:
    """The slices of one partner: levels 0 to 255 of MRI and partner in their fusion windows, uint8 [k, j, i]."""

    name: str
    aligned: Aligned
    mri: NDArray[np.uint8]
    uptake: NDArray[np.uint8]
    places: list[NDArray[np.bool_]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=NETWORKS, help=f"names, with commas between; default: {NETWORKS}")
    parser.add_argument("--partners", default="pet,spect")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    infer.set_num_threads(args.threads)
    demo = demo_study()
    mri = volume(demo / "dicom" / "mr-t1")
    truth = tissues(mri.geometry)
    coloured = [name for name, entry in PALETTES.items() if entry.coloured]
    header = ("partner", "picture", "palette", "uptake R²", "MRI R²", "lesion ΔE", "d'", "places")
    print(heading(*header))
    for name in args.partners.split(","):
        pair = pair_of(demo, name, mri, truth)
        for palette in coloured:
            table = rgb(overlay_table(Mix(palette, overlay=0.5))).reshape(256, 256, 3)
            print(row(pair, truth, "overlay 50 %", palette, table, pair.mri))
        for network in args.networks.split(","):
            fused = fused_slices(pair, network)
            for palette in coloured:
                print(row(pair, truth, network, palette, fused_colours(palette), fused))
    print("\n" + heading("palette", *VISION))
    for palette in coloured:
        falls = "".join(f" {falls_back(fused_colours(palette), vision):.3f} |" for vision in VISION)
        print(f"| {palette} |{falls}")


def heading(*columns: str) -> str:
    return f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"


def row(
    pair: Pair, truth: Truth, picture: str, palette: str, table: NDArray[np.uint8], greys: NDArray[np.uint8]
) -> str:
    lab = from_srgb(table)
    colour = lab[greys, pair.uptake]
    brain = colour[truth.brain]
    uptake, mri = (told_share(brain, levels_of[truth.brain] / 255) for levels_of in (pair.uptake, pair.mri))
    distance, spread = apart(colour[truth.lesion], colour[truth.white])
    order = in_order(pair, lambda place: read_off(lab, colour[place]))
    return (
        f"| {pair.name} | {picture} | {palette} | {uptake:.3f} | {mri:.3f} | {distance:.3f} | "
        f"{distance / spread:.2f} | {order} of {PLACES} |"
    )


def told_share(colour: Lab, value: NDArray[np.float64]) -> float:
    """R² of a quadratic in the three coordinates of colour (n, 3), fitted to values (n,) by least squares."""
    x = (colour - colour.mean(axis=0)) / colour.std(axis=0).clip(1e-9)
    products = [x[:, a] * x[:, b] for a in range(3) for b in range(a, 3)]
    columns = np.column_stack([np.ones(len(x)), x, *products])
    weights, *_ = np.linalg.lstsq(columns, value, rcond=None)
    return float(1 - np.var(value - columns @ weights) / np.var(value))


def apart(first: Lab, second: Lab) -> tuple[float, float]:
    """The distance of two clouds' means, and their pooled standard deviation along the line between them."""
    difference = first.mean(axis=0) - second.mean(axis=0)
    distance = float(np.linalg.norm(difference))
    along = difference / distance
    return distance, float(np.sqrt((np.var(first @ along) + np.var(second @ along)) / 2))


def read_off(lab: Lab, colour: Lab) -> float:
    """The mean uptake, 0 to 1, of the table's entries (256 greys, 256 uptakes) nearest to each colour (n, 3)."""
    nearest = [int(((lab - place) ** 2).sum(axis=-1).argmin()) % 256 for place in colour]
    return float(np.mean(nearest)) / 255


def in_order(pair: Pair, read: Callable[[NDArray[np.bool_]], float]) -> int:
    """How many of the hottest places have the rank that they have in the PET."""
    true = np.argsort([-pair.uptake[place].mean() for place in pair.places])
    seen = np.argsort([-read(place) for place in pair.places], kind="stable")
    return int((true == seen).sum())


# The study ------------------------------------------------------------------------------------------------------


def demo_study() -> Path:
    folder = SCRATCH / "demo"
    if not folder.is_dir():
        write_demo(folder)
    return folder


def volume(folder: Path) -> Volume:
    studies = readers.scan([folder]).studies
    return readers.read(next(series for study in studies for series in study.series))


def pair_of(demo: Path, name: str, mri: Volume, truth: Truth) -> Pair:
    partner = volume(demo / "dicom" / name)
    facts = json.loads((demo / "truth.json").read_text(encoding="utf-8"))
    registration = from_file(mri, partner, facts["fixed_to_moving"][name])
    aligned = pipeline.align(mri, partner, registration)
    request = default_request(aligned, "average")
    window = request.partner_window
    uptake = levels(aligned.values[SLICES], ((window.low + window.high) / 2, window.high - window.low))
    grey = levels(to_unit(mri.values(), request.mri_window)[SLICES], (0.5, 1.0))
    return Pair(name, aligned, grey, uptake, hottest_places(uptake, truth.brain))


def hottest_places(uptake: NDArray[np.uint8], brain: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Small balls around the six hottest means of 5 voxels in each direction, in the brain and well apart."""
    mean = np.where(brain, uniform_filter(uptake.astype(np.float64), 5), 0)
    mean[:2] = mean[-2:] = 0  # a mean reaches two slices to each side
    index = np.stack(np.indices(uptake.shape), axis=-1)
    places = []
    for _ in range(PLACES):
        centre = np.unravel_index(mean.argmax(), mean.shape)
        distance = np.linalg.norm(index - np.array(centre), axis=-1)
        places.append(distance <= PLACE_RADIUS_MM)
        mean[distance < APART_MM] = 0
    return places


def tissues(grid: Geometry) -> Truth:
    """Where the phantom's tissues are on the MRI's slices, from its anatomy itself."""
    head_from_mri = np.linalg.inv(poses(0)["mr"])
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij", sparse=False)
    index = np.stack([i[SLICES], j[SLICES], k[SLICES]], axis=-1)
    points = transform_points(head_from_mri, grid.to_lps(index).reshape(-1, 3)).astype(np.float32)
    shape = index.shape[:3]

    def share(chosen: tuple[Tissue, ...]) -> NDArray[np.bool_]:
        values = {tissue: float(tissue in chosen) for tissue in Tissue}
        painted = [paint_head(*part.T, values, 1.0) for part in np.array_split(points, shape[0])]
        return (np.concatenate(painted) > 0.5).reshape(shape)

    lesion = np.linalg.norm(points - np.array(LESION_MM, np.float32), axis=-1) <= LESION_RADIUS_MM
    white = share((Tissue.WHITE,))
    deep = np.stack([distance_transform_edt(picture) > WHITE_DEPTH_MM for picture in white])
    return Truth(share(BRAIN), lesion.reshape(shape), deep)


def fused_slices(pair: Pair, network: str) -> NDArray[np.uint8]:
    weights = registry.weights_sha256(registry.find(network))[:16]
    kept = SCRATCH / f"{pair.name}-{network}-{weights or 'classical'}.npy"
    if not kept.is_file():
        request = default_request(pair.aligned, network, "cpu")
        stack = pipeline.fuse_pair(pair.aligned, request, slices=range(SLICES.start, SLICES.stop))
        np.save(kept, levels(stack.fused[SLICES], (0.5, 1.0)))
    return np.load(kept)


if __name__ == "__main__":
    main()
