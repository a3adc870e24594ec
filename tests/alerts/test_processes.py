"""Real processes over one store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerts.workers import MOST, ask
from tests.state.workers import workers

PROCESSES = 8


@pytest.mark.slow
def test_of_eight_processes_one_tells_each_share(tmp_path: Path) -> None:
    place = str(tmp_path / "state")
    with workers(ask, *[(place, MOST // PROCESSES)] * PROCESSES) as started:
        answers = [pipe.recv() for _, pipe in started]
    assert [trouble for _, trouble in answers] == [None] * PROCESSES
    assert sorted(share for told, _ in answers for share in told) == [0.25, 0.5, 1]
