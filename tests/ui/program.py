"""The program as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys


def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
