"""What may be said about an alignment: four words, and the sentence a reader sees for each.

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
    def sentence(self) -> str:
        return _SENTENCES[self]

    @property
    def trusted(self) -> bool:
        """Whether a picture may be shown without a call to check the alignment first."""
        return self is Verdict.REGISTERED


_SENTENCES = {
    Verdict.HEADER_ALIGNED: "Aligned by header: both series state the same frame of reference; "
    "motion of the patient between them is not excluded.",
    Verdict.REGISTERED: "Registered: the reader has checked the alignment and confirmed it.",
    Verdict.UNVERIFIED: "Not verified: nobody has checked this alignment yet. "
    "Look at the overlay, then confirm or correct it.",
    Verdict.REJECTED: "Registration rejected: it found nothing better than the start, which was kept. "
    "Align by hand, or check that both series show the same part of the patient.",
}
