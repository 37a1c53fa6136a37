import signal
import time
from contextlib import suppress

import pytest

from ringfence.jobs.stopping import NotBegunError, StoppedError, Stopping


def test_a_signal_while_nothing_is_under_way_only_asks_and_no_work_begins_after_it() -> None:
    stopping = Stopping(60.0)
    with stopping.listening():
        assert not stopping.is_asked
        signal.raise_signal(signal.SIGTERM)
        assert stopping.is_asked
        with pytest.raises(NotBegunError), stopping.working():
            pytest.fail("it began")


def test_work_under_way_may_end_after_one_signal() -> None:
    stopping = Stopping(60.0)
    with stopping.listening():
        with stopping.working():
            signal.raise_signal(signal.SIGTERM)
            assert stopping.is_asked
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def work(stopping: Stopping, *numbers: signal.Signals) -> list[str]:
    """Work through signals, and clear up through another; give how far that came."""
    done = []
    with stopping.listening(), suppress(StoppedError), stopping.working():
        try:
            for number in numbers:
                signal.raise_signal(number)
                done.append(number.name)
            time.sleep(10)
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append("cleared up")
    return done


def test_work_under_way_is_stopped_by_the_second_signal_and_clears_up_undisturbed() -> None:
    assert work(Stopping(60.0), signal.SIGTERM, signal.SIGINT) == ["SIGTERM", "cleared up"]


@pytest.mark.parametrize(("grace", "done"), [(0.05, ["SIGINT", "cleared up"]), (0.0, ["cleared up"])])
def test_work_under_way_is_stopped_when_the_grace_is_over(grace: float, done: list[str]) -> None:
    begun = time.monotonic()
    assert work(Stopping(grace), signal.SIGINT) == done
    assert time.monotonic() - begun < 5


def test_signals_mean_afterwards_what_they_meant_before() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    with Stopping(1.0).listening():
        pass
    assert [signal.getsignal(number) for number in numbers] == before
