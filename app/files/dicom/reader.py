"""DICOM as one of the `readers`: what a file is (`claims`), what series there are (`scan`), and a volume (`read`)."""

from app.files.dicom.scan import claims, scan
from app.files.dicom.series_reader import read

__all__ = ["claims", "read", "scan"]
