"""The four networks, one file each, to be read beside their papers."""
