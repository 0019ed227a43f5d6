"""An environment for each peer, with the versions that are compared."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

FRAMEWORKS = Path(__file__).parent / "frameworks"


@dataclass(frozen=True)
class Framework:
    """A framework as one of its users has it."""

    script: str
    """In `frameworks/`."""
    variant: str = ""
    """Its preset or mode."""
    needs: tuple[str, ...] = ()
    """Requirements; of none, this environment is the framework's."""

    def python(self, environments: Path) -> str:
        """The interpreter that has it; what is missing is installed."""
        if not self.needs:
            return sys.executable
        folder = environments / self.script
        python, ready = folder / "bin" / "python", folder / ".ready"
        if not ready.exists() or ready.read_text() != "\n".join(self.needs):
            print(f"installing {', '.join(self.needs)} into {folder}", flush=True)
            venv.create(folder, with_pip=True, clear=not python.exists())
            subprocess.run([python, "-m", "pip", "install", "-q", *self.needs], check=True)
            ready.write_text("\n".join(self.needs))
        return str(python)


AUTOGLUON = ("autogluon.tabular[all]==1.6.3", "torch==2.13.0")
COMPARED = {
    "automl": Framework("automl", "balanced"),
    "autogluon_best": Framework("autogluon", "best_quality", AUTOGLUON),
    "autogluon_medium": Framework("autogluon", "medium_quality", AUTOGLUON),
    "flaml": Framework("flaml", needs=("flaml[automl]==2.7.0", "pyarrow")),
    "mljar": Framework("mljar", "Compete", ("mljar-supervised==1.3.2", "pyarrow")),
    "untuned_hgb": Framework("untuned"),
}
"""Name -> framework; the first is ours, the last is what all must be ahead of."""
