"""DICOM: headers, frames, grids, pixels and SUV, from files to series and volumes."""
