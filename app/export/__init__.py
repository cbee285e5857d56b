"""From a fused stack to files: pictures, NIfTI, DICOM; all of them, or none."""
