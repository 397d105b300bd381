"""What a process of its own prints, whatever its hash seed."""

import os
import subprocess
import sys


def said_in_processes(code: str) -> set[str]:
    """Run code in two processes of different hash seeds; return what they print."""
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
