"""What commands share: arguments that name paths, devices and names from a list."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.base.settings import DEVICES
from app.cli.command import add_device, listed, path_argument


def test_a_path_may_be_anything_but_empty():
    assert path_argument("a folder/scan") == Path("a folder/scan")
    with pytest.raises(argparse.ArgumentTypeError, match="empty"):
        path_argument("")


def test_names_with_commas_between_them_are_those_of_the_list_in_the_order_asked_for():
    formats = listed(("png", "tiff", "nifti"))
    assert formats("nifti") == ("nifti",)
    assert formats("tiff, png") == ("tiff", "png")
    with pytest.raises(argparse.ArgumentTypeError, match=r"'gif' is not one of png, tiff, nifti"):
        formats("png,gif")


@pytest.mark.parametrize("device", DEVICES)
def test_every_device_of_the_settings_can_be_asked_for(device):
    parser = argparse.ArgumentParser()
    add_device(parser)
    assert parser.parse_args(["--device", device]).device == device
    assert parser.parse_args([]).device == "auto"
