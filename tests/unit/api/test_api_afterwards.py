import logging
from threading import Event

import pytest

from ringfence.api.access_log import LOGGER
from ringfence.api.afterwards import Afterwards


def test_what_waits_already_is_not_added_again() -> None:
    begun, go_on, done = Event(), Event(), []
    afterwards = Afterwards()

    def first() -> None:
        begun.set()
        go_on.wait(10)

    afterwards.add("first", first, "1")
    assert begun.wait(10)
    for name in ("a", "b", "a", "first", "first"):
        afterwards.add(name, lambda name=name: done.append(name), "1")  # type: ignore[misc]
    afterwards.add("last", begun.clear, "1")
    go_on.set()
    while begun.is_set():
        pass
    afterwards.close()
    assert done == ["a", "b", "first"]


def test_what_fails_is_logged_by_the_request_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done = Event()
    afterwards = Afterwards()

    def fail() -> None:
        raise ValueError("b104")

    LOGGER.propagate = True
    with caplog.at_level(logging.ERROR, "ringfence.api"):
        afterwards.add("a", fail, "request 7")
        afterwards.add("b", done.set, "request 8")
        assert done.wait(10)
    afterwards.close()
    (record,) = caplog.records
    said = getattr(record, "said")  # noqa: B009
    assert (said["request_id"], said["fault"]) == ("request 7", "ValueError")
    assert "b104" not in str(said)


def test_what_waits_at_the_end_is_left() -> None:
    begun, go_on, done = Event(), Event(), Event()
    afterwards = Afterwards()

    def first() -> None:
        begun.set()
        go_on.wait(0.2)

    afterwards.add("first", first, "1")
    assert begun.wait(10)
    afterwards.add("second", done.set, "1")
    afterwards.close()
    assert not done.is_set()
