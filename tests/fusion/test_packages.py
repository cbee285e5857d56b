"""Networks of other packages: listed without being imported, and never more than a sentence where they are broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import torch

from app.fusion import cards, infer, packages, registry, weights
from app.fusion.packages import PackageError
from app.fusion.spec import TrainedOn
from tests.network_packages import MODULE, SEEN, site_on_path
from tests.paths import ROOT


@pytest.fixture
def site(tmp_path, monkeypatch):
    with site_on_path(tmp_path, monkeypatch) as site:
        yield site


def fuse(name: str) -> torch.Tensor:
    mri, partner = torch.full((1, 1, 20, 30), 0.6), torch.full((1, 1, 20, 30), 0.2)
    return infer.fuse_batch(registry.load(name), mri, partner)


def refused(name: str = "net") -> str:
    """The one sentence and the remedy of a network that stands in the list, found without importing its package."""
    spec = registry.listed(name)
    error = registry.refusal(spec)
    assert error is not None
    with pytest.raises(type(error)):
        registry.check(name)
    assert "pip uninstall pkg_" in error.hint
    assert f"**Cannot run here:** {error}" in cards.card(registry.describe(spec), error)
    return str(error)


def test_without_packages_there_are_synoptics_own_alone():
    packages.installed.cache_clear()
    assert registry.networks() == registry.NETWORKS
    assert registry.package_errors() == ()


def test_a_package_brings_its_network_with_weights_and_training(site):
    folder = site.net("pkg_good")
    spec = registry.listed("net")
    assert registry.networks() == (*registry.NETWORKS, spec)
    assert spec in registry.available()
    assert (spec.title, str(spec.package)) == ("Net", "pkg_good 1.2")
    assert spec.trained_on == TrainedOn(frozenset({"MR", "CT"}), body_parts=frozenset({"HEAD"}))
    assert registry.refusal(spec) is None
    assert registry.weights_sha256(spec) == weights.sha256_of(folder / "net.safetensors")
    assert "- **Comes with:** pkg_good 1.2" in cards.card(registry.describe(spec))
    torch.testing.assert_close(fuse("net"), torch.full((1, 1, 20, 30), 0.3))


def test_without_packages_nothing_is_looked_through(root):
    code = "import sys; from app.fusion import registry as r; r.networks(); print('importlib.metadata' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False"]


def test_a_package_in_a_zip_archive_is_found_and_needs_a_folder(site, tmp_path, monkeypatch):
    folder = site.net("pkg_zipped")
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", folder.parent)
    for name in ("pkg_zipped", "pkg_zipped-1.2.dist-info"):
        shutil.rmtree(folder.parent / name)
    monkeypatch.syspath_prepend(archive)
    packages.installed.cache_clear()
    assert "manifest.json" in refused()


def test_listing_imports_nothing_of_the_package_and_no_torch(site):
    site.net("pkg_good")
    site.put("pkg_bad", {"bad": "pkg_bad.net:Net"}, __init__="raise SystemExit('imported')")
    code = (
        f"import sys; sys.path.insert(0, {str(site.site)!r}); from app.fusion import registry as r; "
        "names = [s.name for s in r.networks() if s.package]; [r.describe(s) for s in r.networks()]; "
        "print(*names, *{'torch', 'numpy', 'pkg_good', 'pkg_bad'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["bad", "net"]


def test_a_method_without_weights_needs_none(site):
    folder = site.put("pkg_mean", {"mean": "pkg_mean.net:Net"}, net=MODULE.format(result="(mri + partner) / 2"))
    (folder / "manifest.json").write_text('{"mean": {"title": "Mean of both"}}', encoding="utf-8")
    spec = registry.listed("mean")
    assert spec.classical
    assert registry.describe(spec)["licence"] is None  # its own, which its card may tell; not the program's
    torch.testing.assert_close(fuse("mean"), torch.full((1, 1, 20, 30), 0.4))


def test_the_first_of_one_name_wins_and_the_other_is_told(site):
    site.net("pkg_b", "average")
    site.net("pkg_c")
    site.net("pkg_a")
    assert registry.listed("average").package is None
    assert str(registry.listed("net").package) == "pkg_a 1.2"
    told = [str(error) for error in registry.package_errors()]
    assert told == [
        "The network average of the package pkg_b 1.2 cannot be used: there are two networks of that name, and "
        "Synoptic's own comes first.",
        "The network net of the package pkg_c 1.2 cannot be used: there are two networks of that name, and that of "
        "pkg_a 1.2 comes first.",
    ]


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        ({"sha256": None}, "net has no 'sha256'"),
        ({"trained_on": None}, "says not what it was trained_on"),
        ({"trained_on": {"modalities": ["PET"]}}, "matching regex '^[A-Z]{2}$'"),
        ({"trained_on": {"modalities": ["MR"], "planes": ["oblique"]}}, "Invalid enum value 'oblique'"),
        ({"parameters": "many"}, "Expected `int`, got `str` - at `$.parameters`"),
        ({"file": "other.safetensors"}, "there is no"),
        ({"sha256": "00"}, "but the manifest vouches for 00"),
    ],
)
def test_a_manifest_that_does_not_do_is_one_sentence(site, entry, fact):
    site.net("pkg_bad", **entry)
    assert fact in refused()


@pytest.mark.parametrize(
    ("text", "fact"),
    [("{", "manifest.json: Input data was truncated"), ("{}", "has no entry for it"), (None, "has no entry for it")],
)
def test_a_package_without_a_manifest_is_one_sentence(site, text, fact):
    folder = site.net("pkg_bad")
    (folder / "manifest.json").unlink()
    if text is not None:
        (folder / "manifest.json").write_text(text, encoding="utf-8")
    packages.installed.cache_clear()
    assert fact in refused()
    (error,) = registry.package_errors()
    assert fact in str(error)


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        ("pkg_absent.net:Net", "names no class in a module"),
        ("pkg_bad.absent:Net", "names no class in a module"),
        ("pkg_bad.net", "names no class in a module"),
        ("json.decoder:JSONDecoder", "has no entry for it"),
    ],
)
def test_an_entry_point_to_nothing_is_one_sentence(site, value, fact):
    site.put("pkg_bad", {"net": value}, net=MODULE)
    assert fact in refused()


def test_a_name_that_no_list_could_hold_is_refused(site):
    site.put("pkg_bad", {"two words": "pkg_bad.net:Net"}, net=MODULE)
    assert "a name may hold letters" in refused("two words")


@pytest.mark.parametrize(
    ("module", "fact"),
    [
        ("raise RuntimeError('no licence here')", "it cannot be made: RuntimeError: no licence here."),
        ("import pkg_not_installed", "it cannot be made: ModuleNotFoundError: No module named 'pkg_not_installed'."),
        ("Other = 1", "it cannot be made: AttributeError: "),
    ],
)
def test_a_class_that_cannot_be_made_is_one_sentence(site, module, fact):
    folder = site.net("pkg_bad")
    (folder / "net.py").write_text(module, encoding="utf-8")
    with pytest.raises(PackageError) as caught:
        registry.load("net")
    assert fact in str(caught.value)


def test_a_network_that_breaks_the_contract_is_one_sentence(site):
    site.net("pkg_bad", result="mri[..., 1:]")
    with pytest.raises(PackageError, match=r"^The network net of the package pkg_bad 1\.2 cannot be used: it gave"):
        fuse("net")


def test_weights_that_do_not_fit_are_told_with_the_package(site):
    folder = site.net("pkg_bad")
    file = folder / "net.safetensors"
    entry = {"file": file.name, "sha256": weights.save(torch.nn.Linear(1, 1), file, {}), "trained_on": SEEN}
    (folder / "manifest.json").write_text(json.dumps({"net": entry}), encoding="utf-8")
    packages.installed.cache_clear()
    with pytest.raises(weights.WeightsMismatchError, match=r"bias is .* absent in the network") as caught:
        registry.load("net")
    assert "pip uninstall pkg_bad" in caught.value.hint
