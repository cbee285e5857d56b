"""One DICOM file's header, read without its pixels and reduced to what assembling a volume needs.

A file can hold anything, so whatever pydicom raises while it reads one becomes a DamagedFileError here, at the door.
"""

from __future__ import annotations

import math
import struct
import unicodedata
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.config import IGNORE, settings
from pydicom.datadict import tag_for_keyword
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from app.base.errors import InputError
from app.core.limits import BoundedFile
from app.core.volume import Patient

MALFORMED = (  # what pydicom and its decoders raise on broken files; Cancelled and AppError are not among them
    ArithmeticError, AssertionError, AttributeError, BytesLengthException, EOFError, InvalidDicomError,
    LookupError, MemoryError, NotImplementedError, OSError, RecursionError, RuntimeError, struct.error, TypeError,
    ValueError, zlib.error,
)  # fmt: skip

DEFLATED = "1.2.840.10008.1.2.1.99"
LARGEST_DEFLATED = 1 << 29  # bytes; more is taken for a bomb
_KEYWORDS = """
    SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyDate SeriesDate AcquisitionDate ContentDate
    AcquisitionDateTime SeriesTime AcquisitionTime ContentTime Modality Manufacturer StudyDescription
    SeriesDescription ProtocolName TimezoneOffsetFromUTC PatientName PatientID PatientBirthDate PatientSex
    PatientWeight BodyPartExamined SliceThickness SpacingBetweenSlices KVP EchoTime InversionTime EchoNumbers
    TriggerTime FlipAngle ConvolutionKernel FrameReferenceTime ActualFrameDuration
    RadiopharmaceuticalInformationSequence ComplexImageComponent SequenceName RepetitionTime
    NominalPercentageOfCardiacPhase ImageIndex SeriesType NumberOfTimeSlices NumberOfTimeSlots
    NominalPercentageOfRespiratoryPhase ASLContext VelocityEncodingDirection StackID DiffusionBValue
    DiffusionGradientOrientation StudyInstanceUID SeriesInstanceUID SeriesNumber AcquisitionNumber InstanceNumber
    ImagePositionPatient ImageOrientationPatient FrameOfReferenceUID TemporalPositionIdentifier
    TemporalPositionIndex SamplesPerPixel PhotometricInterpretation NumberOfFrames Rows Columns PixelSpacing
    BitsAllocated BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit WindowCenter
    WindowWidth RescaleIntercept RescaleSlope RescaleType ModalityLUTSequence EnergyWindowVector DetectorVector
    PhaseVector RRIntervalVector TimeSlotVector TimeSliceVector RotationVector SliceVector
    DetectorInformationSequence NumberOfSlices Units CorrectedImage SUVType DecayCorrection PresentationLUTShape
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence RealWorldValueMappingSequence
    ReferencedImageRealWorldValueMappingSequence DecayCorrected DecayCorrectionDateTime AttenuationCorrected
"""
PRIVATE = {  # creator: (group, elements) that change a value or tell two pictures of one place apart
    "Philips PET Private Group": (0x7053, (0x00, 0x09)),
    "GEMS_PETD_01": (0x0009, (0x0D,)),
    "SIEMENS MR HEADER": (0x0019, (0x0C, 0x0E)),
    "GEMS_ACQU_01": (0x0019, (0xBB, 0xBC, 0xBD)),
    "GEMS_PARM_01": (0x0043, (0x2F, 0x39)),
    "Philips Imaging DD 001": (0x2001, (0x03,)),
    "Philips MR Imaging DD 001": (0x2005, (0xB0, 0xB1, 0xB2)),
    "Image Private Header": (0x0065, (0x09, 0x37)),
}
_BLOCKS = range(0x10, 0x14)
_CREATORS = {creator: [BaseTag(group << 16 | block) for block in _BLOCKS] for creator, (group, _) in PRIVATE.items()}
# as BaseTag, or pydicom would make one of each for every file
TAGS: list[Any] = [BaseTag(tag) for tag in map(tag_for_keyword, _KEYWORDS.split()) if tag is not None]
TAGS += dict.fromkeys(tag for tags in _CREATORS.values() for tag in tags)
for _group, _elements in PRIVATE.values():
    TAGS += [BaseTag(_group << 16 | block << 8 | element) for block in _BLOCKS for element in _elements]

PROGRAMS = {b"MZ": "Windows", b"\x7fELF": "Linux", b"\xcf\xfa\xed\xfe": "macOS", b"\xca\xfe\xba\xbe": "macOS"}


class DamagedFileError(InputError):
    """A file that cannot be used; `reason` is the sentence's part after the file's name."""

    hint = "Send or copy the file again; the other files of the series can be opened without it."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the pixel data lie in a file.

    offset : bytes to the pixel data element in an uncompressed little-endian file, None where pydicom must find it
    present : whether there are pixel data at all; explicit : whether that element carries a VR
    padding : the values from..to that are no measurement (PixelPaddingValue, PixelPaddingRangeLimit), or None
    """

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    syntax: str
    offset: int | None
    present: bool
    explicit: bool
    padding: tuple[int, int] | None

    @property
    def frame_bytes(self) -> int:
        return (self.rows * self.columns * self.samples * self.bits_allocated + 7) // 8


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself; `data` is the pydicom dataset without pixels, dropped after the scan."""

    path: Path
    length: int
    data: Dataset
    sop_class: str
    sop_uid: str
    modality: str
    patient: Patient
    study_uid: str
    series_uid: str
    frame_of_reference: str
    image_type: tuple[str, ...]
    pixels: Pixels | None
    preamble: str


def hush() -> None:
    """Keep pydicom's remarks on sloppy headers out of Python's warnings: what matters becomes a series warning.

    Set again at each door, because a filter set once is lost when someone else restores the filters.
    """
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
    settings.reading_validation_mode = IGNORE


def clean(value: Any, longest: int = 256) -> str:
    """Text from a header without control or direction characters (a name must not rewrite what stands beside it)."""
    if value is None:
        return ""
    if isinstance(value, MultiValue):
        value = "\\".join(str(part) for part in value)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    value = str(value)[: 4 * longest]
    if value.isascii() and value.isprintable():  # nearly always
        return value.strip()[:longest]
    printable = "".join(c for c in value if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs"))
    return printable.strip()[:longest]


def value_of(data: Dataset, key: str | int) -> Any:
    """An element's value by keyword or tag; None where it is missing, or damaged and so as good as missing."""
    try:
        element = data.get(key)
        return element.value if isinstance(key, int) and element is not None else element
    except MALFORMED:
        return None


def text(data: Dataset, keyword: str) -> str:
    return clean(value_of(data, keyword))


def texts(data: Dataset, keyword: str) -> tuple[str, ...]:
    value = value_of(data, keyword)
    if value is None or value == "":
        return ()
    return tuple(clean(part) for part in value) if isinstance(value, MultiValue | list) else (clean(value),)


def number(data: Dataset, keyword: str) -> float | None:
    """The first value as a finite float, or None where it is missing or no number."""
    values = numbers(data, keyword)
    return values[0] if values else None


def numbers(data: Dataset, keyword: str) -> tuple[float, ...]:
    """All values as floats; () where one is missing, no number or not finite."""
    return as_numbers(value_of(data, keyword))


def as_numbers(value: Any) -> tuple[float, ...]:
    if value is None or value == "" or value == b"":
        return ()
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace").strip(" \0").split("\\")
    try:
        parts = value if isinstance(value, MultiValue | list | tuple) else [value]
        floats = tuple(float(part) for part in parts)
    except (TypeError, ValueError, OverflowError):
        return ()
    return floats if all(math.isfinite(part) for part in floats) else ()


def private(data: Dataset, creator: str, element: int) -> Any:
    """A private element's value under its creator's block, or None."""
    for tag in _CREATORS[creator]:
        if tag in data and clean(value_of(data, tag)) == creator:
            return value_of(data, tag.group << 16 | (tag.element << 8 | element))
    return None


def item(data: Dataset | None, keyword: str) -> Dataset | None:
    """The first item of a sequence, or None."""
    sequence = None if data is None else value_of(data, keyword)
    if isinstance(sequence, bytes | str) or not sequence:
        return None
    first = sequence[0]
    return first if isinstance(first, Dataset) else None


def read_header(path: Path) -> Header:
    """Read one file's header.

    Raises
    ------
    DamagedFileError : not DICOM, damaged, or a deflated file that unpacks to too much
    """
    hush()
    try:
        with BoundedFile(path) as file:
            length = file.length
            head = file.read(4096)
            _refuse_bomb(path, head, length)
            file.seek(0)
            data = dcmread(file, stop_before_pixels=True, force=True, specific_tags=TAGS)
            offset = file.tell()
        return _header(path, length, data, head, offset)
    except DamagedFileError:
        raise
    except MALFORMED as error:
        raise DamagedFileError(path, f"its DICOM header is damaged ({type(error).__name__}).") from error


def _header(path: Path, length: int, data: Dataset, head: bytes, offset: int) -> Header:
    modality = text(data, "Modality").upper()
    sop_class = text(data, "SOPClassUID") or clean(data.file_meta.get("MediaStorageSOPClassUID"))
    if not sop_class and not modality:
        raise DamagedFileError(path, "it is not a DICOM file, or holds no image (no SOP class, no modality).")
    patient = Patient(
        id=text(data, "PatientID"), name=text(data, "PatientName"),
        birth_date=text(data, "PatientBirthDate"), sex=text(data, "PatientSex"),
    )  # fmt: skip
    return Header(
        path=path,
        length=length,
        data=data,
        sop_class=sop_class,
        sop_uid=text(data, "SOPInstanceUID"),
        modality=modality,
        patient=patient,
        study_uid=text(data, "StudyInstanceUID"),
        series_uid=text(data, "SeriesInstanceUID"),
        frame_of_reference=text(data, "FrameOfReferenceUID"),
        image_type=tuple(part.upper() for part in texts(data, "ImageType")),
        pixels=_pixels(path, length, data, offset),
        preamble=_preamble(head),
    )


def _pixels(path: Path, length: int, data: Dataset, offset: int) -> Pixels | None:
    rows, columns = number(data, "Rows"), number(data, "Columns")
    if not rows or not columns:
        return None
    implicit, little = data.original_encoding
    syntax = clean(data.file_meta.get("TransferSyntaxUID"))
    if not syntax and little:  # no file meta group: pydicom has looked how the elements are encoded
        syntax = "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1"
    in_place = syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1") and offset < length
    allocated = int(number(data, "BitsAllocated") or 0)
    stored = int(number(data, "BitsStored") or allocated)
    high = number(data, "HighBit")
    signed = number(data, "PixelRepresentation") == 1
    if not 0 < stored <= allocated <= 64:
        raise DamagedFileError(path, f"BitsStored {stored} and BitsAllocated {allocated} contradict each other.")
    frames = number(data, "NumberOfFrames")
    return Pixels(
        rows=int(rows),
        columns=int(columns),
        frames=1 if frames is None else int(frames),
        samples=int(number(data, "SamplesPerPixel") or 1),
        photometric=text(data, "PhotometricInterpretation").upper(),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high is None or not stored - 1 <= high < allocated else int(high),
        signed=signed,
        syntax=syntax,
        offset=offset if in_place else None,
        present=syntax == DEFLATED or offset < length,
        explicit=syntax != "1.2.840.10008.1.2",
        padding=_padding(data, allocated, signed),
    )


def _padding(data: Dataset, bits: int, signed: bool) -> tuple[int, int] | None:
    """PixelPaddingValue to PixelPaddingRangeLimit in the number range of the stored values (PS3.3 C.7.5.1.1.2)."""
    values = [as_numbers(value_of(data, key))[:1] for key in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    ends = [int(value[0]) for value in values if value]
    if not ends or not values[0] or bits > 32:
        return None
    # Its VR may be US although the pixels are signed (63536 for -2000): the bits count, not the VR.
    ends = [end % (1 << bits) for end in ends]
    if signed:
        ends = [end - (1 << bits) if end >= 1 << (bits - 1) else end for end in ends]
    return min(ends), max(ends)


def _refuse_bomb(path: Path, head: bytes, length: int) -> None:
    """A deflated data set unpacks as a whole in pydicom, whatever its size: measure it first, in small pieces."""
    at = head.find(DEFLATED.encode())
    if head[128:132] != b"DICM" or at < 0:
        return
    group_length = struct.unpack("<I", head[140:144])[0] if head[132:136] == b"\x02\x00\x00\x00" else None
    if group_length is None or 144 + group_length > length:
        raise DamagedFileError(path, "its file meta group is damaged.")
    unpack, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with path.open("rb") as file:
        file.seek(144 + group_length)
        while piece := file.read(1 << 16):
            while piece:
                total += len(unpack.decompress(piece, 1 << 20))
                piece = unpack.unconsumed_tail
                if total > LARGEST_DEFLATED:
                    raise DamagedFileError(path, f"it unpacks to more than {LARGEST_DEFLATED >> 20} MB.")


def _preamble(head: bytes) -> str:
    """A sentence where the 128 free bytes before DICM hold a program (CVE-2019-11687), else ""."""
    if head[128:132] != b"DICM" or not any(head[:128]):
        return ""
    system = next((name for magic, name in PROGRAMS.items() if head.startswith(magic)), "")
    if system:
        return f"The file begins like a {system} program (CVE-2019-11687): never start it; its image part was read."
    return ""


def lookup_table(data: Dataset) -> tuple[int, NDArray[np.float64]] | None:
    """The modality LUT as (first stored value mapped, outputs), or None; a broken one raises ValueError."""
    table = item(data, "ModalityLUTSequence")
    if table is None:
        return None
    descriptor = [int(n) for n in as_numbers(table.get("LUTDescriptor"))]
    raw = table.get("LUTData")
    outputs = np.frombuffer(raw, "<u2") if isinstance(raw, bytes) else np.asarray(raw, dtype=np.float64)
    if len(descriptor) != 3 or outputs.size < (descriptor[0] or 65536):
        raise ValueError("modality LUT shorter than its descriptor says")
    first = descriptor[1]
    if number(data, "PixelRepresentation") == 1 and first > 32767:
        first -= 65536
    return first, outputs[: descriptor[0] or 65536].astype(np.float64)
