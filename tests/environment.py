"""A fresh virtual environment, in which plugins are installed as their users would."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

BASE = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}


class Environment:
    """It sees what this process can import, automl included, and has a place of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        variables = {"base": str(folder), "platbase": str(folder)}
        site = Path(sysconfig.get_path("purelib", "venv", variables))
        self.python = Path(sysconfig.get_path("scripts", "venv", variables)) / "python"
        seen = [path for path in sys.path if Path(path).is_dir() and not self._in_base(path)]
        (site / "seen.pth").write_text("".join(f"{Path(p).resolve()}\n" for p in seen), "utf-8")

    @staticmethod
    def _in_base(path: str) -> bool:
        return any(Path(path) in {base, base / "lib-dynload"} for base in BASE)

    def install(self, *sources: Path) -> None:
        """Install distributions from their source trees, with nothing from an index."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        offline = ["--no-deps", "--no-index", "--no-build-isolation"]
        done = self._run([*pip, *offline, *map(str, sources)], self.folder, 240)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *words: str, cwd: Path, timeout: float = 200) -> subprocess.CompletedProcess[str]:
        """Run its interpreter with these arguments."""
        return self._run([str(self.python), *words], cwd, timeout)

    def automl(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command `automl` in it."""
        return self.run("-c", "from automl.cli import main; main()", *words, cwd=cwd)

    @staticmethod
    def _run(command: list[str], cwd: Path, timeout: float) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
