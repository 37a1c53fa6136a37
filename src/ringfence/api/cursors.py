"""Cursors: where an item stands in one list of one run, in an opaque word."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.pages import Key

_LARGEST = 2**63 - 1
"""No store counts further."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list."""

    run_id: int
    """The run that the list is of; 0 for a list that is of none."""
    key: Key


def write_cursor(list_name: str, cursor: Cursor) -> str:
    """Write a cursor of the list of that name."""
    parts = (list_name, cursor.run_id, float(cursor.key.value), cursor.key.id)
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode()


def read_cursor(list_name: str, text: str | None) -> Cursor | None:
    """Read the cursor that was given as `after`; None for none.

    Raises InvalidError if it is damaged, or of another list.
    """
    if text is None:
        return None
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(text.encode()))
    except (binascii.Error, ValueError):
        parts = None
    match parts:
        case [str(name), int(run_id), float(value), str(own_id)] if (
            type(run_id) is int and 0 <= run_id <= _LARGEST and abs(value) < _LARGEST
        ):
            if name != list_name:
                raise InvalidError(
                    f"`after` is a cursor of another list or order ({name}, not {list_name}); "
                    "leave it out to start anew."
                )
            return Cursor(run_id, Key(value, own_id))
    raise InvalidError("`after` is no cursor that was answered here; leave it out to start anew.")


def begun_in(list_name: str, after: str | None, run_id: int | None) -> tuple[Cursor | None, int | None]:
    """Read the cursor of a list that is of a run, and say which run that is: the cursor's, else `run_id`.

    Raises InvalidError for a cursor that is damaged, or of another list or run.
    """
    cursor = read_cursor(list_name, after)
    if cursor is None:
        return None, run_id
    if run_id not in (None, cursor.run_id):
        raise InvalidError(
            f"`after` is a cursor of run {cursor.run_id}, not of run {run_id}; leave one of the two out."
        )
    return cursor, cursor.run_id


@contextmanager
def reading_on(cursor: Cursor | None) -> Iterator[None]:
    """Read the page after a cursor: InvalidError if the findings of its run are not kept any more."""
    try:
        yield
    except NotFoundError as error:
        if cursor is None:
            raise
        raise InvalidError(
            f"`after` is a cursor of run {cursor.run_id}, whose findings are not kept any more; "
            "leave it out to start anew."
        ) from error
