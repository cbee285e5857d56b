"""The currency between all rooms: volumes, grids, planes, units and windows, modalities, palettes, transforms."""
