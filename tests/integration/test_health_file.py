import shutil
from pathlib import Path

import pytest

from ringfence.domain.errors import UnavailableError
from ringfence.jobs.events import Event, Outcome
from ringfence.jobs.health_file import HealthFile, check_health

READY = Event(1, Outcome.READY, "nothing is due yet")


def test_a_health_file_that_cannot_be_written_at_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be written"):
        HealthFile(tmp_path / "none" / "health.json").write(READY)


def test_one_that_cannot_be_written_later_ends_no_schedule_and_tells_no_old_news(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "health.json"
    path.parent.mkdir()
    health = HealthFile(path)
    health.write(READY)
    assert check_health(path, 0).outcome is Outcome.READY
    shutil.rmtree(path.parent)
    health.write(READY)
    with pytest.raises(UnavailableError, match="No schedule keeps"):
        check_health(path, 0)
