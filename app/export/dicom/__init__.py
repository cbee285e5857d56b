"""Fused slices as DICOM objects that a PACS accepts."""
