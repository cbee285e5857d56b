"""`python -m app.research`: its commands, and where it runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.research.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_own_options(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: python -m app.research {name} " in text
    assert "options:" in text


def test_help_lists_the_commands_and_loads_none_of_them(root):
    code = "import sys; from app.research.__main__ import main; sys.argv[1:] = ['--help']\n"
    code += "try: main()\nexcept SystemExit: print(sorted({'torch', 'PySide6', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ")]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)


def test_a_command_nobody_knows_ends_with_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["blend"])
    assert ended.value.code == 2
    assert "invalid choice: 'blend'" in capsys.readouterr().err


def test_the_commands_need_no_window(root):
    modules = [module for module, _ in COMMANDS.values()]
    code = "import sys; sys.modules['PySide6'] = None\n" + "".join(f"import {module}\n" for module in modules)
    subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
