"""run.sh, driven with a PATH of its own: a Python and an apt-get that only write down what they were asked."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT

SCRIPTS = ["packaging/run.sh", "packaging/test.sh", ".ci/run"]
TOOLS = ["sh", "cat", "cksum", "dirname", "env", "flock", "grep", "mktemp", "rm", "tail", "uname"]

# Like Python where setup.sh looks: makes a .venv whose Python is itself, and says what torch pip would find.
PYTHON = """#!/bin/sh
echo "python $*" >>"$LOG"
case "$*" in
*sys.version_info*) exit "${TOO_OLD:-0}" ;;
*'import ensurepip'*) exit "${WITHOUT_VENV:-0}" ;;
*--version) echo 'Python 3.11.9' ;;
'-m venv'*)
    for folder; do :; done
    rm -rf "$folder" && mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python"
    ;;
*torch-is-for-cpu*) exit "${CUDA_FOUND:-0}" ;;
*download-over-1-gb*) echo '3.0 GB' ;;
*'install --no-deps --no-build-isolation -e'*)
    [ -z "${BREAK:-}" ] || exit 1
    printf '#!/bin/sh\\nprintf "<%%s>" "$@"\\n' >"${0%/*}/synoptic" && chmod +x "${0%/*}/synoptic"
    ;;
esac
"""
APT = '#!/bin/sh\necho "apt-get $*" >>"$LOG"\n'


class Machine:
    """A checkout in a folder with a space in its name, and a PATH on which only a few commands lie."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        shutil.copytree(ROOT / "packaging", self.root / "packaging")
        shutil.copy(ROOT / "pyproject.toml", self.root)
        for tool in [*TOOLS, "mkdir", "cp", "chmod"]:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        self.command("python3", PYTHON)
        self.libraries(*(line.split()[0] for line in self.listed()))

    def listed(self) -> list[str]:
        lines = (ROOT / "packaging" / "apt.txt").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if not line.startswith("#")]

    def command(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text, encoding="utf-8")
        (self.bin / name).chmod(0o755)

    def libraries(self, *names: str) -> None:
        lines = "".join(f"\t{name} (libc6,x86-64) => /lib/{name}\n" for name in names)
        self.command("ldconfig", f"#!/bin/sh\ncat <<'END'\n{lines}END\n")

    def user(self, number: int) -> None:
        self.command("id", f"#!/bin/sh\necho {number}\n")

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("", encoding="utf-8")
        return subprocess.run(
            ["sh", str(self.root / "packaging" / "run.sh"), *arguments],
            env={"PATH": str(self.bin), "LOG": str(self.log), "TMPDIR": str(self.bin), "DISPLAY": ":9"} | variables,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def asked(self) -> str:
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", [*SCRIPTS, "packaging/setup.sh"])
def test_a_script_is_sound(script: str) -> None:
    shell = "bash" if script == ".ci/run" else "sh"
    subprocess.run([shell, "-n", str(ROOT / script)], check=True)
    dialect = ["--shell", shell, "--external-sources", "--source-path", str(ROOT)]
    checked = subprocess.run(["shellcheck", *dialect, str(ROOT / script)], capture_output=True, text=True)
    assert checked.stdout == ""


def test_the_first_start_sets_up_and_opens_the_window_and_the_second_only_opens_it(machine: Machine) -> None:
    first = machine.run("/my data/mr", "--layout", "overlay")
    assert first.stdout == "<view></my data/mr><--layout><overlay>"
    assert "python -m venv" in machine.asked
    second = machine.run("/my data/mr")
    assert (second.returncode, second.stdout, second.stderr, machine.asked) == (0, "<view></my data/mr>", "", "")


def test_a_new_pin_or_another_folder_sets_up_again(machine: Machine) -> None:
    machine.run()
    with (machine.root / "packaging" / "requirements.txt").open("a", encoding="utf-8") as pins:
        pins.write("one-more==1.0\n")
    machine.run()
    assert "pip install -r requirements.txt" in machine.asked
    machine.root = machine.root.rename(machine.root.with_name("moved"))
    machine.run()
    assert "pip install -r requirements.txt" in machine.asked


def test_a_set_up_that_was_killed_starts_from_an_empty_environment(machine: Machine) -> None:
    machine.run()
    (machine.root / ".venv" / "left-over").touch()
    (machine.root / ".venv.running").touch()
    for stamp in (machine.root / ".venv").glob("synoptic-*"):
        stamp.unlink()
    again = machine.run()
    assert "interrupted" in again.stderr
    assert again.stdout == "<view>"
    assert not (machine.root / ".venv" / "left-over").exists()
    assert not (machine.root / ".venv.running").exists()


def test_a_second_set_up_at_the_same_time_is_refused(machine: Machine) -> None:
    with (machine.root / ".venv.running").open("w") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        refused = machine.run()
    assert refused.returncode == 2
    assert "another set-up is running" in refused.stderr
    assert "python -m" not in machine.asked


def test_a_set_up_that_failed_says_so_and_is_done_again(machine: Machine) -> None:
    failed = machine.run(BREAK="1")
    assert failed.returncode == 2
    assert "pip could not do this" in failed.stderr
    assert machine.run().stdout == "<view>"
    assert "venv --clear" not in machine.asked


def test_without_a_display_it_says_so_and_offers_the_command_line(machine: Machine) -> None:
    ran = machine.run(DISPLAY="")
    assert ran.returncode == 2
    assert "no display" in ran.stderr
    assert f'"{machine.root}/.venv/bin/synoptic" fuse ' in ran.stderr
    assert machine.run(DISPLAY="", WAYLAND_DISPLAY="wayland-0").stdout == "<view>"


def test_missing_libraries_are_installed_where_that_is_allowed(machine: Machine) -> None:
    machine.libraries("libEGL.so.1")
    machine.user(0)
    machine.command("apt-get", APT)
    assert machine.run().returncode == 0
    wanted = " ".join(line.split()[1] for line in machine.listed()[1:])
    assert f"install -y --no-install-recommends {wanted}\n" in machine.asked


def test_missing_libraries_are_named_where_nothing_may_be_installed(machine: Machine) -> None:
    machine.libraries(*(line.split()[0] for line in machine.listed()[1:]))
    machine.user(1000)
    machine.command("apt-get", APT)
    refused = machine.run()
    assert (refused.returncode, machine.asked) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "'apt-get install libegl1'" in refused.stderr
    # Without a display the window's libraries are not needed to fuse on the command line.
    assert "python -m venv" not in machine.asked
    machine.run(DISPLAY="")
    assert "python -m venv" in machine.asked


def test_a_python_without_venv_gets_it_or_names_it(machine: Machine) -> None:
    machine.user(1000)
    refused = machine.run(WITHOUT_VENV="1")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "python3-venv" in refused.stderr
    machine.user(0)
    machine.command("apt-get", APT)
    machine.run(WITHOUT_VENV="1")
    assert "install -y --no-install-recommends python3-venv\n" in machine.asked


def test_an_old_python_is_not_taken(machine: Machine) -> None:
    machine.user(1000)
    refused = machine.run(TOO_OLD="1")
    assert refused.returncode == 2
    assert "Python 3.11 or later" in refused.stderr


def test_without_a_driver_the_cpu_build_is_taken_from_pip_or_else_from_pytorch(machine: Machine) -> None:
    machine.run()
    assert "--index-url" not in machine.asked
    (machine.root / ".venv" / "synoptic-run").unlink()
    torch = next(line for line in (ROOT / "packaging/requirements.txt").read_text().splitlines() if "torch==" in line)
    machine.run(CUDA_FOUND="1")
    assert f"pip install --no-deps --index-url https://download.pytorch.org/whl/cpu {torch}" in machine.asked


def test_with_a_driver_the_size_of_the_cuda_build_is_told_before_it_is_downloaded(machine: Machine) -> None:
    machine.command("nvidia-smi", "#!/bin/sh\n")
    ran = machine.run()
    assert "downloading 3.0 GB" in ran.stderr
    assert "--index-url" not in machine.asked
    assert machine.asked.index("download-over-1-gb") < machine.asked.index("pip install -r requirements.txt")
