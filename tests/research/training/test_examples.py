"""Examples hold what a fit gives, are not made twice, and are cut so that the three stay together."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from app.research.pairs import batch_at
from app.research.training import examples
from app.research.training.examples import Example, ExampleFileError, NoExamplesError, OtherExamplesError
from app.research.training.fitted import fit
from tests.research import made_up


def _halved(fused, mri, partner, *, share):
    return {"distance": (fused - share * mri).abs().mean()}


halved = partial(_halved, share=0.5)  # a loss whose fitted picture is known: half of the MRI


def test_an_example_is_cut_to_what_it_shows_and_fitted():
    mri, partner = (np.zeros((256, 256), np.float32) for _ in range(2))
    mri[100:150, 90:200] = 0.8
    partner[110:140, 60:180] = 0.6
    mine, theirs, target = examples.example(mri, partner, halved)
    assert mine.shape == (64, 144)
    assert np.array_equal(mine[mine > 0], mri[mri > 0].astype(np.float16))
    assert np.count_nonzero(theirs) == np.count_nonzero(partner)
    sources = [torch.from_numpy(one).float()[None, None] for one in (mine, theirs)]
    assert np.array_equal(target, fit(*sources, halved)[0, 0].half().numpy())
    np.testing.assert_allclose(target[mine > 0], 0.4, atol=0.05)


def test_the_maximum_is_followed_where_one_source_is_nearly_black():
    mri, partner = np.full((64, 64), 0.8, np.float32), np.full((64, 64), 0.1, np.float32)
    _, _, target = examples.example(mri, partner, halved)
    assert np.array_equal(target, mri.astype(np.float16))


def test_those_that_are_there_are_kept_and_others_are_read_back_as_made(tmp_path):
    pairs = made_up.pairs(3)
    examples.make(pairs[:1], tmp_path, halved)
    first = tmp_path / "ct-mri.1000.0.safetensors"
    before = first.read_bytes(), first.stat().st_mtime_ns
    examples.make(pairs, tmp_path, halved)
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    read = examples.read(tmp_path, ["ct-mri"])
    assert [one.task for one in read] == ["ct-mri"] * 3
    assert examples.digest(read) == examples.digest(examples.read(tmp_path, ["ct-mri", "ct-mri"]))
    assert examples.digest(read) != examples.digest(read[::-1])
    mri, partner, target = read[1].tensors()
    assert mri.shape == partner.shape == target.shape == (1, 1, 48, 48)
    assert torch.equal(target, fit(mri, partner, halved).half().float())


def test_another_variant_is_another_draw_and_the_same_one_is_the_same(tmp_path):
    for folder, variant in (("one", 0), ("again", 0), ("other", 1)):
        examples.make(made_up.pairs(1), tmp_path / folder, halved, variant=variant)
    one, again, other = (examples.read(tmp_path / name, ["ct-mri"])[0].seen for name in ("one", "again", "other"))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_batch_keeps_the_three_together():
    place = np.arange(40 * 40).reshape(40, 40) / 4096 + 0.1
    one = Example("ct-mri", np.stack([place, place / 2, place / 4]).astype(np.float16))
    for step in range(8):
        mri, partner, target = batch_at([one], step, seed=0, batch=3, cut=lambda one, draw: examples.cut(one, draw, 16))
        assert mri.shape == (3, 1, 16, 16)
        torch.testing.assert_close(partner, mri / 2, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(target, mri / 4, atol=1e-3, rtol=1e-3)


def test_the_command_shares_the_work_and_hands_the_weights_on_to_the_fit(tmp_path, monkeypatch):
    folder = made_up.write(tmp_path / "pairs")
    asked: list[dict[str, float]] = []

    def maximum(mri, partner, loss, steps):
        asked.append({"steps": steps} | loss.keywords)
        return torch.maximum(mri, partner)

    monkeypatch.setattr(examples, "fit", maximum)
    run = ["--pairs", str(folder), "--out", str(tmp_path / "out"), "--variants", "2", "--gain", "1.5", "--steps", "7"]
    for share, made in (("1/2", 6), ("2/2", 12)):
        assert examples.main([*run, "--share", share]) == 0
        assert len(list((tmp_path / "out").glob("*.safetensors"))) == made
    assert 6 <= len(asked) <= 12  # those with a source in the dark are not fitted
    assert all(
        one["steps"] == 7 and one["gain"] == 1.5 and one["edges"] == examples.WANTED.keywords["edges"] for one in asked
    )
    for refused in (["--share", "3/2"], ["--steps", "0"], ["--variants", "0"]):
        with pytest.raises(SystemExit):
            examples.main([*run, *refused])


def test_other_pictures_to_follow_do_not_come_into_the_same_folder(tmp_path):
    examples.make(made_up.pairs(1), tmp_path, halved)
    with pytest.raises(OtherExamplesError, match=r"ct-mri.1000.0.safetensors was fitted to something else"):
        examples.make(made_up.pairs(2), tmp_path, partial(_halved, share=0.25))
    with pytest.raises(OtherExamplesError, match=r"ct-mri.1000.0.safetensors was fitted to something else"):
        examples.make(made_up.pairs(2), tmp_path, halved, steps=60)


def test_what_is_missing_or_damaged_is_said_in_a_sentence(tmp_path, capsys):
    examples.make(made_up.pairs(1), tmp_path, halved)
    with pytest.raises(NoExamplesError, match="holds no example of pet-mri"):
        examples.read(tmp_path, ["ct-mri", "pet-mri"])
    (tmp_path / "ct-mri.1000.0.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ExampleFileError, match="is damaged or no example"):
        examples.read(tmp_path, ["ct-mri"])
    with pytest.raises(ExampleFileError, match="is damaged or no example"):
        examples.make(made_up.pairs(1), tmp_path, halved)
    folder = made_up.write(tmp_path / "pairs")
    assert examples.main(["--pairs", str(folder), "--out", str(tmp_path / "out"), "--tasks", "ct_mri"]) == 2
    assert "There is no task 'ct_mri'." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        examples.main(["--pairs", str(folder), "--out", str(tmp_path / "out"), "--per-task", "-1"])
    assert "-1' is not 0 or a larger whole number" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert examples.main(["--pairs", str(folder), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be made" in capsys.readouterr().err
