"""What may be said about an alignment, and why it is as it is: codes, and the sentence a reader sees for each.

A metric that gained proves little (an optimiser can run away from the truth and gain), so only the reader's own eye
makes an alignment `registered`.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The value is the word written to JSON, to DICOM descriptions and to the status line."""

    HEADER_ALIGNED = "header-aligned"
    REGISTERED = "registered"
    UNVERIFIED = "unverified"
    REJECTED = "rejected"

    @property
    def heading(self) -> str:
        return _HEADINGS[self]

    @property
    def explanation(self) -> str:
        """What the heading means and what to do; it begins small, since it follows a heading."""
        return _EXPLANATIONS[self]

    @property
    def sentence(self) -> str:
        return f"{self.heading}: {self.explanation}"

    @property
    def trusted(self) -> bool:
        """Whether a picture may be shown without a call to check the alignment first."""
        return self is Verdict.REGISTERED


class Stopped(StrEnum):
    """Why a transform is the one it is: what ended the search, or where it comes from where nothing was searched."""

    SAME_FRAME = "same-frame"
    SAME_GRID = "same-grid"
    SAME_COORDINATES = "same-coordinates"
    AS_IT_STANDS = "as-it-stands"
    PIXEL_ON_PIXEL = "pixel-on-pixel"
    MOVED_BY_HAND = "moved-by-hand"
    READ_FROM_FILE = "read-from-file"
    OTHER_SERIES = "other-series"
    CONVERGED = "converged"
    OUT_OF_STEPS = "out-of-steps"
    NO_GAIN = "no-gain"
    BY_CHANCE = "by-chance"
    TOO_FAR = "too-far"
    LESS_IN_COMMON = "less-in-common"

    @property
    def sentence(self) -> str:
        return _REASONS[self]


_REASONS = {
    Stopped.SAME_FRAME: "Both series state the same frame of reference.",
    Stopped.SAME_GRID: "Both series lie on one and the same grid, as after coregistration.",
    Stopped.SAME_COORDINATES: "Both series have their axes in the same directions and cover the same place.",
    Stopped.AS_IT_STANDS: "The headers' positions as they are, although nothing says that they share one frame of "
    "reference.",
    Stopped.PIXEL_ON_PIXEL: "Two pictures of the same size, laid pixel on pixel.",
    Stopped.MOVED_BY_HAND: "Moved by hand.",
    Stopped.READ_FROM_FILE: "Read from a file.",
    Stopped.OTHER_SERIES: "It follows from the alignment of other series that share these frames of reference.",
    Stopped.CONVERGED: "Converged: the last step was too short to matter.",
    Stopped.OUT_OF_STEPS: "Stopped after the last step it was allowed, without having come to rest.",
    Stopped.NO_GAIN: "No gain: nothing better than the start was found, and the start was kept.",
    Stopped.BY_CHANCE: "The images have nothing in common beyond chance; the start was kept.",
    Stopped.TOO_FAR: "It moved the partner further than the positions in the headers can be wrong; they were kept.",
    Stopped.LESS_IN_COMMON: "It left less of the two fields of view in common than before; the start was kept.",
}

_HEADINGS = {
    Verdict.HEADER_ALIGNED: "Aligned by header",
    Verdict.REGISTERED: "Registered",
    Verdict.UNVERIFIED: "Not verified",
    Verdict.REJECTED: "Registration rejected",
}
_EXPLANATIONS = {
    Verdict.HEADER_ALIGNED: "both series state the same frame of reference; "
    "motion of the patient between them is not excluded.",
    Verdict.REGISTERED: "the reader has checked the alignment and confirmed it.",
    Verdict.UNVERIFIED: "nobody has checked this alignment yet. Look at the overlay, then confirm or correct it.",
    Verdict.REJECTED: "it found nothing better than the start, which was kept. "
    "Align by hand, or check that both series show the same part of the patient.",
}
