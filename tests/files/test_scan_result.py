"""Made-up identifiers: the same for the same file, another for another one."""

import numpy as np

from app.files.scan_result import made_up_uid


def test_two_files_that_differ_only_in_their_middle_are_two(tmp_path):
    stored = np.zeros((64, 240, 240), np.int16)
    names = []
    for folder, value in (("a", 1), ("b", 2)):
        stored[20:40, 50:150, 50:150] = value
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t1.nii").write_bytes(bytes(352) + stored.tobytes())
        names.append(made_up_uid(tmp_path / folder / "t1.nii"))
    assert names[0] != names[1]


def test_the_same_file_has_one_identifier_wherever_it_lies(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t1.nii").write_bytes(b"small")
    assert made_up_uid(tmp_path / "a" / "t1.nii") == made_up_uid(tmp_path / "b" / "t1.nii")
    assert len(made_up_uid(tmp_path / "a" / "t1.nii")) <= 64
