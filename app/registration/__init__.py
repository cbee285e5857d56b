"""Bring a partner and an MRI together, resample one onto the other, and say what is known about it."""
