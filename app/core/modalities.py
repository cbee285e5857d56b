"""What kinds of image there are: codes, names, windows, palettes, roles. A kind is one entry of MODALITIES.

Readers, the choice of roles, default windows, presets, palettes, settings and labels read it; no second place knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class WindowPreset(NamedTuple):
    """A display window by name; centre and width in HU or SUV."""

    name: str
    centre: float
    width: float


class BodyWindows(NamedTuple):
    """Of a part of the body: the preset it is first shown in, by its name, and the ends of the fusion window."""

    preset: str
    low: float
    high: float


@dataclass(frozen=True)
class Modality:
    """A kind of image, as DICOM's Modality (0008,0060) has it.

    code, name : "PT" in headers, "PET" to readers
    words, picture_words : what names of files and folders call it, divided by spaces; the latter only those of pictures
    medical : of patients; without it a plain picture, which lists call by its name instead of its code
    volume : its DICOM images can be stacked into a volume
    base_rank : how soon it takes the MRI's place, on whose grid is fused, 0 first; None for never
    partner_rank : how soon it is its partner; None for only where nothing else is there
    false_colours : its colour pictures show a scale, not what is seen: a visible picture beside it keeps its own
    uptake : 0 is no tracer: the fusion window begins there, what lies above it is a loss, alone it is shown inverted
    palette, palette_alone : its colours at first, over the MRI and in the fusion, and in its own pane
    unit : in which its presets hold, or the beginning of such units ("SUV" of "SUVbw")
    presets : display windows, in the order of the number keys
    head, body : windows fixed for the unit; None where they follow the values
    """

    code: str
    name: str
    words: str = ""
    picture_words: str = ""
    medical: bool = True
    volume: bool = True
    base_rank: int | None = None
    partner_rank: int | None = None
    false_colours: bool = False
    uptake: bool = False
    palette: str = "Grey"
    palette_alone: str = "Grey"
    unit: str = ""
    presets: tuple[WindowPreset, ...] = ()
    head: BodyWindows | None = None
    body: BodyWindows | None = None

    @property
    def short(self) -> str:
        """What lists of series call it: the code of a medical image, the name of a picture; "" where unstated."""
        return self.code if self.medical else self.name


_CT_PRESETS = (
    WindowPreset("Soft tissue", 40, 400),
    WindowPreset("Lung", -600, 1500),
    WindowPreset("Bone", 480, 2500),
    WindowPreset("Brain", 40, 80),
    WindowPreset("Liver", 90, 150),
)
_SUV_PRESETS = tuple(WindowPreset(f"SUV 0–{top}", top / 2, top) for top in (5, 7, 10, 15))
_MR_WORDS = "mr mri t1 t1w t1c t1ce t1gd t2 t2w t2star flair pd pdw dwi adc dti asl pcasl bold fmri swi epi mprage spgr"

MODALITIES: dict[str, Modality] = {
    modality.code: modality
    for modality in (
        Modality(
            "CT", "CT", "ct cbct ncct cect cta ldct hrct", base_rank=1, partner_rank=1, unit="HU", presets=_CT_PRESETS,
            head=BodyWindows("Brain", 0, 90), body=BodyWindows("Soft tissue", -160, 240),
        ),
        Modality("MR", "MRI", _MR_WORDS, base_rank=0),
        Modality(
            "PT", "PET", "pet pt fdg fdgpet", partner_rank=0, uptake=True, palette="Hot Iron",
            palette_alone="Inverted Grey", unit="SUV", presets=_SUV_PRESETS,
        ),
        Modality(
            "NM", "SPECT", "spect nm", partner_rank=2, uptake=True, palette="Hot Iron", palette_alone="Inverted Grey",
        ),
        # External-camera photography and thermography, not of medicine alone. Their words mean something else in the
        # name of a volume: "ir" is inversion recovery.
        Modality("XC", "visible", picture_words="vis visible", medical=False, volume=False, base_rank=1),
        Modality(
            "TG", "infrared", picture_words="ir infrared thermal", medical=False, volume=False, partner_rank=3,
            false_colours=True,
        ),
    )
}  # fmt: skip
_UNSTATED = Modality("", "", medical=False, volume=False, base_rank=1)

# What body parts and descriptions call the head and its parts. "FACE" not as in "SURFACE"; "TEMPORAL" of the bone or
# lobe, not of a resolution.
_HEAD_WORDS = (
    "HEAD", "BRAIN", "SKULL", "(?<![A-Z])FAC(?:E|IAL)", "ORBIT", "PITUIT", "^TEMPORAL", "TEMPORAL (?:BONE|LOBE)",
    "SINUS", "CEREB", "CRANI", "NEURO",
)  # fmt: skip
_HEAD = re.compile("|".join(_HEAD_WORDS), re.IGNORECASE)


def modality_of(code: str) -> Modality:
    """The entry of a DICOM code; for a code that has none, and for "", one that claims nothing."""
    if not code:
        return _UNSTATED
    return MODALITIES.get(code) or Modality(code, code, volume=False)


def code_of(word: str) -> str:
    """The code that a sidecar's word means, itself or the name ("PET"); "" for any other, and for pictures."""
    kinds = (kind for kind in MODALITIES.values() if kind.volume and word.upper() in (kind.code, kind.name))
    return next((kind.code for kind in kinds), "")


def is_head(*texts: str) -> bool:
    """Whether a BodyPartExamined (0018,0015) or description means the head or a part of it."""
    return any(_HEAD.search(text) for text in texts)


def presets_in(unit: str) -> tuple[WindowPreset, ...]:
    """The display windows that hold for values in this unit; () for units without any."""
    kinds = (kind for kind in MODALITIES.values() if kind.unit and unit.startswith(kind.unit))
    return next((kind.presets for kind in kinds), ())
