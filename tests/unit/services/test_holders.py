"""Who counts as dead."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ringfence.services.hold_lease import is_dead, this_process


def test_a_living_process_is_not_dead() -> None:
    assert not is_dead(this_process())


def test_a_process_that_is_gone_is_dead() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_dead(replace(this_process(), process=ended.pid))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere starts are not known")
def test_another_process_that_was_given_the_same_number_does_not_keep_a_dead_one_alive() -> None:
    mine = this_process()
    assert is_dead(replace(mine, started=mine.started + "1"))


def test_nobody_knows_of_processes_on_other_hosts_boots_or_containers() -> None:
    mine = this_process()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not is_dead(replace(mine, process=gone.pid, host="elsewhere"))
    assert not is_dead(replace(mine, process=gone.pid, started="another-boot/pid:[1]/7"))
    assert os.getpid() == mine.process
