"""DICOM: from files to series, by their headers alone; `series_reader` reads a series' pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.base.progress import Progress, silent
from app.core.modalities import MODALITIES, modality_of
from app.core.volume import Series, Suv
from app.files.dicom.details import Details
from app.files.dicom.frames import NM, Frame, frames
from app.files.dicom.grid import NotAStack, Stack, stack
from app.files.dicom.header import MALFORMED, DamagedFileError, Header, number, numbers, read_header, text, value_of
from app.files.dicom.pet_facts import attenuation_corrected
from app.files.dicom.pet_times import SeriesTimes
from app.files.dicom.pixels import missing_bytes
from app.files.dicom.real_world import STORAGE as MAPPING_STORAGE
from app.files.dicom.real_world import RealWorldMapping, mappings_for_images
from app.files.dicom.repeats import Part
from app.files.dicom.split import split
from app.files.dicom.suv import suv
from app.files.scan_result import ScanResult, Skipped, made_up_uid

NAME = "dicom"
MOST_NAMED = 5  # damaged files named one by one
Images = tuple[Header, list[Frame]]  # a file
_CLASSES = "1.2.840.10008.5.1.4.1.1."
SECONDARY = {_CLASSES + tail for tail in ("7", "7.1", "7.2", "7.3", "7.4")}
NOT_IMAGES = {  # by the SOP class below _CLASSES: what the reader knows it as
    "66.4": "a segmentation", "66.5": "a surface segmentation", "66.1": "a spatial registration",
    "66.2": "fiducials", "66.3": "a deformable registration", "66": "raw data", "67": "real world values",
    "481.2": "a radiotherapy dose", "481.3": "radiotherapy contours", "481.5": "a radiotherapy plan",
    "481.8": "a radiotherapy ion plan", "104.1": "a PDF document", "104.2": "a document",
    "11.1": "a presentation state", "11.2": "a presentation state", "11.3": "a presentation state",
    "11.4": "a presentation state", "11.8": "a presentation state",
}  # fmt: skip
NOT_IMAGES_BY_MODALITY = {
    "SR": "a report", "KO": "a key object selection", "PR": "a presentation state", "SEG": "a segmentation",
    "RTSTRUCT": "radiotherapy contours", "RTPLAN": "a radiotherapy plan", "RTDOSE": "a radiotherapy dose",
    "REG": "a spatial registration", "DOC": "a document", "ECG": "a recording", "RWV": "real world values",
}  # fmt: skip
COLOUR = "It is a colour picture ({}): colour shows no measured value, so it cannot be fused."
SCREENSHOT = "It is a secondary capture (a picture of a screen or film): its grey values are no measurement."
PROJECTIONS = "It holds projections, not slices: only reconstructed (tomographic) images can be stacked into a volume."
MOSAIC = "It is a Siemens mosaic (all slices side by side in one picture), which is not unpacked: convert it first."
OTHER = "It is of modality {}: only {} and {} images can be opened as a volume."


def claims(path: Path, head: bytes) -> bool:
    """Whether a file's first bytes look like DICOM, with or without its preamble."""
    if head[128:132] == b"DICM":
        return True
    # Without preamble: the first element is of group 2 or 8 and has a small number, in either byte order.
    little = head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00"
    big = head[:2] == b"\x00\x08" and head[2:3] == b"\x00"
    return len(head) >= 8 and (little or big)


def scan(paths: Sequence[Path], progress: Progress = silent) -> ScanResult:
    """Read all headers, group them into series and find out which of those are volumes."""
    groups: dict[tuple[str, ...], list[Images]] = defaultdict(list)
    skipped: list[Skipped] = []
    damaged: dict[str, list[str]] = defaultdict(list)
    headers = list(_headers(paths, progress))
    mappings = _separate_mappings([header for header in headers if isinstance(header, Header)])
    for header in headers:
        if isinstance(header, Skipped):
            skipped.append(header)
            continue
        reason, images = _images(header, mappings.get(header.sop_uid))
        uid = header.series_uid or made_up_uid(header.path)
        if images:
            patient = header.patient
            groups[uid, header.study_uid, header.modality, patient.id, patient.name].append((header, images))
            continue
        skipped.append(Skipped(header.path, reason))
        if header.pixels:
            damaged[uid].append(header.path.name)
    series: list[Series] = []
    studies: dict[str, tuple[str, str]] = {}
    for n, ((uid, study, *_), group) in enumerate(groups.items()):
        progress(1.0, f"series {n + 1} of {len(groups)}")
        data = group[0][0].data
        studies.setdefault(study, (text(data, "StudyDescription"), text(data, "StudyDate")))
        series += _series(uid, group, damaged.get(uid, []))
    return ScanResult(tuple(series), tuple(skipped), studies)


def _headers(paths: Sequence[Path], progress: Progress) -> Iterator[Header | Skipped]:
    for n, path in enumerate(paths):
        if n % 16 == 0:
            progress(n / len(paths), f"{n} of {len(paths)} headers")
        try:
            yield read_header(path)
        except DamagedFileError as error:
            yield Skipped(path, error.reason)


def _separate_mappings(headers: Sequence[Header]) -> dict[str, RealWorldMapping]:
    """What Real World Value Mapping objects among the files say of the others, by SOPInstanceUID."""
    objects = [header for header in headers if header.sop_class == MAPPING_STORAGE]
    modality_of = {header.sop_uid: header.modality for header in headers} if objects else {}
    return {
        uid: mapping for header in objects for uid, mapping in mappings_for_images(header.data, modality_of).items()
    }


def _images(header: Header, mapping: RealWorldMapping | None) -> tuple[str, list[Frame]]:
    """A file's frames; or none, and why it has none that could be part of a series."""
    reason = _not_an_image(header)
    if reason:
        return reason, []
    try:
        return "", frames(header, mapping)
    except MALFORMED as error:
        return f"its header is damaged ({str(error)[:160]}).", []


def _not_an_image(header: Header) -> str:
    """Why a file is no image that could be part of a series, or ""."""
    short = header.sop_class.removeprefix(_CLASSES)
    description = NOT_IMAGES.get(short) or NOT_IMAGES_BY_MODALITY.get(header.modality)
    if description:
        return f"it is {description}, not an image to fuse."
    if header.pixels is None:
        return "it holds no image (no rows and columns)."
    if not header.pixels.present:
        return "it holds no pixel data, or was cut off before them."
    short_of = missing_bytes(header.length, header.pixels)
    if short_of:
        whole = header.pixels.frames * header.pixels.frame_bytes
        if short_of > whole:
            return "it holds no pixel data, or was cut off before them."
        return f"it is cut short: {whole - short_of} of {whole} bytes of pixel data are there."
    if header.pixels.rows * header.pixels.columns * header.pixels.samples > 1 << 28:
        return f"it states a picture of {header.pixels.rows} x {header.pixels.columns} pixels, which cannot be."
    return ""


def _kind(header: Header) -> str:
    """ "" for a slice of a volume, else the sentence why it is none."""
    assert header.pixels is not None
    photometric = header.pixels.photometric
    if header.pixels.samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2", ""):
        return COLOUR.format(photometric or f"{header.pixels.samples} samples per pixel")
    if header.sop_class in SECONDARY:
        return SCREENSHOT
    parametric = header.sop_class == _CLASSES + "30"
    if not modality_of(header.modality).volume and not parametric:
        *names, last = (kind.name for kind in MODALITIES.values() if kind.volume)
        return OTHER.format(header.modality or "unknown", ", ".join(names), last)
    if "MOSAIC" in header.image_type:
        return MOSAIC
    reconstructed = "RECON" in "\\".join(header.image_type) or value_of(header.data, "SliceVector")
    if header.sop_class == NM and not reconstructed:
        return PROJECTIONS
    return ""


def _series(uid: str, group: Sequence[Images], damaged: Sequence[str]) -> list[Series]:
    """All parts of one SeriesInstanceUID as Series."""
    by_path = {header.path: header for header, _ in group}
    kinds = {header.path: _kind(header) for header, _ in group}
    pictures = [frame for _, images in group for frame in images]
    warnings = [f"{name} is damaged and was left out; the volume is shown without it." for name in damaged[:MOST_NAMED]]
    if len(damaged) > MOST_NAMED:
        warnings.append(f"{len(damaged) - MOST_NAMED} more damaged files were left out.")
    warnings += dict.fromkeys(header.preamble for header, _ in group if header.preamble)
    try:
        parts = split(pictures, lambda frame: kinds[frame.path])
    except DamagedFileError as error:  # two files at one place had to be compared, and one cannot be decoded
        parts = [Part(tuple(pictures), mixed=True, warnings=(str(error),))]
    times = SeriesTimes([frame.pet for frame in pictures if frame.pet is not None])
    return [
        _part_series(
            uid if n == 0 else f"{uid}#{n + 1}", part, by_path[part.frames[0].path], kinds, tuple(warnings), times
        )
        for n, part in enumerate(parts)
    ]


def _part_series(
    uid: str, part: Part, header: Header, kinds: dict[Path, str], notes: tuple[str, ...], times: SeriesTimes
) -> Series:
    first = part.frames[0]
    description = text(header.data, "SeriesDescription") or text(header.data, "ProtocolName")
    columns, rows = first.pixels.columns, first.pixels.rows
    series = Series(
        uid=uid,
        modality=header.modality,
        description=f"{description} ({part.label})".strip() if part.label else description,
        paths=tuple(dict.fromkeys(frame.path for frame in part.frames)),
        size=(columns, rows, len(part.frames)),
        spacing_mm=None,
        orientation="",
        unit="unknown",
        reader=NAME,
        patient=header.patient,
        study_uid=header.study_uid,
        frame_of_reference_uid=first.frame_of_reference,
        number=int(number(header.data, "SeriesNumber") or 0),
        body_part=text(header.data, "BodyPartExamined"),
        warnings=(*part.warnings, *notes),
        problem=kinds[first.path],
    )
    if series.problem:
        return series
    try:
        slices = stack(part.frames)
    except NotAStack as error:
        return replace(series, problem=str(error))
    unit, factor, warnings = _unit(header, slices, times)
    warnings = (*dict.fromkeys(frame.note for frame in slices.frames if frame.note), *warnings)
    if not header.frame_of_reference:
        warnings = (*warnings, "FrameOfReferenceUID is missing: nothing says how it lies to other series; register it.")
    return replace(
        series,
        paths=tuple(dict.fromkeys(frame.path for frame in slices.frames)),
        size=slices.geometry.size,
        spacing_mm=slices.geometry.spacing_mm,
        orientation=slices.geometry.orientation,
        unit=unit,
        suv=factor,
        acquired=len(slices.frames),
        attenuation_corrected=_attenuation(slices),
        warnings=(*series.warnings, *slices.warnings, *warnings),
        details=Details(
            stack=slices,
            factors=(factor.factor if factor and factor.factor else (1.0,) * len(slices.frames)),
            window=_window(header, first),
            inverted=first.pixels.photometric == "MONOCHROME1"
            or text(header.data, "PresentationLUTShape").upper() == "INVERSE",
        ),
    )


def _attenuation(slices: Stack) -> bool | None:
    facts = [frame.pet for frame in slices.frames if frame.pet is not None]
    return attenuation_corrected(facts) if facts else None


def _unit(header: Header, slices: Stack, times: SeriesTimes) -> tuple[str, Suv | None, tuple[str, ...]]:
    """The unit of the values (RescaleType; PET: Units, PS3.3 C.8.9.1), how PET becomes SUV, and what to tell."""
    first = slices.frames[0]
    facts = [frame.pet for frame in slices.frames if frame.pet is not None]
    if facts:
        return suv(facts, times)
    if first.measured:
        return first.measured, None, ()
    if header.modality == "CT":
        return _hounsfield(first)
    if header.modality == "MR":
        return "a.u.", None, ()
    if header.modality == "NM":
        return "Bq/mL" if text(header.data, "Units").upper() == "BQML" else "counts", None, ()
    return "unknown", None, ("The unit of the values is not known.",)


def _hounsfield(first: Frame) -> tuple[str, None, tuple[str, ...]]:
    kind = first.unit.upper()
    if not first.rescaled:
        return "unknown", None, ("Rescale slope or intercept is missing: the values are not known to be HU.",)
    if kind == "HU":
        return "HU", None, ()
    if kind:
        return "unknown", None, (f"RescaleType is {kind}, not HU: the values are not known to be Hounsfield units.",)
    if first.image_type[:1] == ("ORIGINAL",) and "LOCALIZER" not in first.image_type:
        return "HU", None, ()
    image_type = first.image_type[0] if first.image_type else "not stated"
    return "unknown", None, (f"RescaleType is absent and ImageType {image_type}: the values are not known to be HU.",)


def _window(header: Header, first: Frame) -> tuple[float, float] | None:
    """The window that the header asks for, in the values' unit before SUV scaling."""
    centre, width = numbers(header.data, "WindowCenter"), numbers(header.data, "WindowWidth")
    if not centre or not width or width[0] < 1:
        return None
    if not first.measured:
        return centre[0], width[0]
    if first.table is not None:
        return None
    # It is stated in what the rescale gives (C.11.2), which the mapping goes before.
    slope, intercept = number(header.data, "RescaleSlope") or 1.0, number(header.data, "RescaleIntercept") or 0.0
    return (centre[0] - intercept) / slope * first.slope + first.intercept, width[0] / slope * first.slope
