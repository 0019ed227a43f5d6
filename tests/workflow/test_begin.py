"""The beginning of a run: who claims what, and in which order."""

from __future__ import annotations

import pytest

from automl.errors import UsageError
from automl.options import Options
from automl.runs import directory
from automl.workflow import begin


class _Silent:
    def say(self, line):
        del line


def test_a_fit_that_waits_for_cpus_has_its_directory_already(tmp_path, monkeypatch):
    run, heard = tmp_path / "run", []

    def lease(options, observer):
        with pytest.raises(UsageError) as told, directory.claimed(run, resume=False):
            pass
        heard.append(str(told.value))
        raise KeyboardInterrupt

    monkeypatch.setattr(begin, "_lease", lease)
    with pytest.raises(KeyboardInterrupt), begin.open_run(Options(output=run), "t", "y", _Silent()):
        pass
    assert "is in use by process" in heard[0]
    assert not run.exists()
