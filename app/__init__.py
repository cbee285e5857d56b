"""Synoptic: an MRI seen together with the CT, PET or SPECT of the same patient. Not a medical device."""

__version__ = "0.1.0"
NOT_FOR_DIAGNOSIS = "NOT FOR DIAGNOSTIC USE"
