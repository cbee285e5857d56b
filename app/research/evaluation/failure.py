"""A picture of where a network fails: of the lesions planted into a digital head, the one that it shows least.

    python -m app.research failure NAME [--weights FILE] --out FILE.png

The head is that of the demo study, so that the picture may be shown to anyone: one axial slice of MRI, with CT and with
PET, all on one grid. Lesions lie as those of `lesions`, at fair places alone: there the other source is no noisier than
the lesion's own, and what is lost was lost by the fusion. They are four times as strong, so that one sees them. Shown
are MRI, partner and fused picture around the one whose contrast-to-noise ratio (CNR) has dropped most.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from app.base.progress import Progress
from app.fusion import infer, registry
from app.phantom.head import paint_head
from app.phantom.scanners import CT_VALUES, FWHM, MR_VALUES, PET_VALUES
from app.phantom.shapes import Values
from app.research.evaluation.fusers import FuseUnit, Unit, as_function, from_file
from app.research.evaluation.lesions import Place, added, changed, choose
from app.research.evaluation.options import path_argument
from app.research.evaluation.spots import look
from app.research.evaluation.tables import CannotWriteError

SIZE = 224  # pixels of 1 mm
HEIGHT_MM = 25.0  # of the slice, through the lesion that the demo study has of its own
AMPLITUDE = 0.4  # of the mean of the surroundings
CROP, ENLARGED = 56, 4  # pixels around the lesion, and how much larger they are shown
MARGIN, LINE = 8, 20  # pixels


@dataclass(frozen=True)
class Failure:
    """A planted lesion: pictures of (mri, partner, fused), all with it; its CNR in its source and in the fused one."""

    partner: str
    place: Place
    pictures: tuple[Unit, Unit, Unit]
    cnr: float
    fused_cnr: float

    @property
    def caption(self) -> str:
        sign = "brighter" if self.place.sign > 0 else "darker"
        source = self.partner if self.place.source else "MRI"
        return (
            f"A spot {AMPLITUDE:.0%} {sign} than its surroundings, planted in the {source}:\n"
            f"there {self.cnr:.1f} times the noise around it, in the fused picture {abs(self.fused_cnr):.1f}."
        )


def slices() -> dict[str, tuple[Unit, Unit]]:
    """MRI and partner of the digital head by the partner's name, (SIZE, SIZE) in [0, 1] each, with noise."""
    draw = np.random.default_rng(0)

    def painted(values: Values, low: float, high: float, blur_mm: float, noise: float) -> Unit:
        across = np.arange(SIZE, dtype=np.float32) - SIZE / 2
        y, x = (one.ravel() for one in np.meshgrid(across, across, indexing="ij"))
        measured = paint_head(x, y, np.full_like(x, HEIGHT_MM), values, 1.0).reshape(SIZE, SIZE)
        unit = (gaussian_filter(measured, blur_mm / FWHM) - low) / (high - low)
        seen: Unit = np.where(unit > 0.01, unit + noise * draw.standard_normal(unit.shape), 0).clip(0, 1)
        return seen

    mri = painted(MR_VALUES, 0, 1300, 1.0, 0.012)
    return {"CT": (mri, painted(CT_VALUES, -20, 110, 1.3, 0.02)), "PET": (mri, painted(PET_VALUES, 0, 16, 5.5, 0.008))}


def worst(fuse: FuseUnit, pairs: Mapping[str, tuple[Unit, Unit]]) -> Failure:
    """Of all lesions planted at fair places in the pairs, the one whose CNR drops most."""
    failures: list[Failure] = []
    for partner, before in pairs.items():
        places = [place for place in choose(before, np.random.default_rng(0)) if _is_fair(place)]
        after = changed(before, places, AMPLITUDE)
        sources = [(look(was), look(now)) for was, now in zip(before, after, strict=True)]
        fused = fuse(*after)
        looks = look(fuse(*before)), look(fused)
        for place in places:
            cnr, fused_cnr = added(sources[place.source], place)[1], added(looks, place)[1]
            failures.append(Failure(partner, place, (after[0], after[1], fused), cnr, fused_cnr))
    return max(failures, key=lambda failure: failure.cnr - failure.fused_cnr)


def _is_fair(place: Place) -> bool:
    return place.texture == "quiet" and not place.natural


def drawn(failure: Failure) -> Image.Image:
    """Three crops side by side, the lesion circled, and the caption below."""
    side = CROP * ENLARGED
    face = ImageFont.load_default(14)
    picture = Image.new("L", (3 * side + 4 * MARGIN, side + 3 * LINE + 3 * MARGIN), 255)
    pen = ImageDraw.Draw(picture)
    top, left = (min(max(0, at - CROP // 2), SIZE - CROP) for at in (failure.place.y, failure.place.x))
    for number, (name, unit) in enumerate(zip(("MRI", failure.partner, "fused"), failure.pictures, strict=True)):
        crop = np.rint(unit[top : top + CROP, left : left + CROP] * 255).astype(np.uint8)
        at = MARGIN + number * (side + MARGIN), LINE + MARGIN
        picture.paste(Image.fromarray(crop).resize((side, side), Image.Resampling.NEAREST), at)
        pen.text((at[0], MARGIN), name, fill=0, font=face)
        centre = [at[axis] + ENLARGED * (place + 0.5) for axis, place in
                  enumerate((failure.place.x - left, failure.place.y - top))]  # fmt: skip
        reach = ENLARGED * 5
        pen.ellipse([centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach], outline=255)
    pen.text((MARGIN, side + LINE + 2 * MARGIN), failure.caption, fill=0, font=face)
    return picture


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--weights", type=path_argument, metavar="FILE", help="not those published")
    parser.add_argument("--out", type=path_argument, required=True, metavar="FILE.png")


def run(args: argparse.Namespace, progress: Progress) -> None:
    network = from_file(args.name, args.weights) if args.weights else registry.load(args.name)
    progress(0, args.name)
    with infer.Stoppable(lambda: progress(0.5, args.name)):
        failure = worst(as_function(network), slices())
    try:
        drawn(failure).save(args.out)
    except (OSError, ValueError) as error:  # ValueError: a suffix that names no kind of picture
        raise CannotWriteError(args.out, str(error)) from error
    print(" ".join(failure.caption.splitlines()))
