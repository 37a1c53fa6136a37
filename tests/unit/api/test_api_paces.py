import json
from collections.abc import Mapping
from typing import Any

import pytest

from ringfence.api.paces import Paces

HEADERS = {"authorization": "Bearer a.b"}
STAFF: dict[str, object] = {"role": "investigator"}


def body(query: str = "query($id: ID!) { buyer(id: $id) { buyerId } }", **variables: Any) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def noted(seconds: float = 0.001, notes: Mapping[str, object] = STAFF, **variables: Any) -> Paces:
    paces = Paces(reads_at_once=True)
    paces.note(paces.kind_of(body(**variables), HEADERS), seconds, notes)
    return paces


def is_quick(paces: Paces, asked: bytes, headers: dict[str, str] = HEADERS) -> bool:
    return paces.is_quick(paces.kind_of(asked, headers))


def test_what_was_quick_once_is_taken_to_be_quick_again_whatever_the_id() -> None:
    paces = noted(id="b1")
    assert is_quick(paces, body(id="b2"))
    assert not is_quick(paces, body("{ runs(first: 1) { nodes { id } } }"))
    assert not is_quick(paces, body(id="b1"), {"authorization": "Bearer c.d"})


@pytest.mark.parametrize("more", [{"first": 100}, {"ids": ["b1", "b2"]}, {"input": {"minScore": 1}}])
def test_who_asks_for_more_is_not_taken_to_be_quick(more: dict[str, Any]) -> None:
    paces = noted(first=1, ids=["b1"], input={})
    little: dict[str, Any] = {"first": 1, "ids": ["b7"], "input": {}}
    assert is_quick(paces, body(**little))
    assert not is_quick(paces, body(**little | more))


@pytest.mark.parametrize(
    "notes", [{"role": "merchant"}, STAFF | {"changes": ["addNote"]}, STAFF | {"code": "NOT_FOUND"}, {}]
)
def test_what_may_wait_for_others_is_never_taken_to_be_quick(notes: dict[str, object]) -> None:
    assert not is_quick(noted(notes=notes, id="b1"), body(id="b1"))


def test_what_lasted_long_once_is_worked_on_in_a_thread_again() -> None:
    paces = noted(id="b1")
    paces.note(paces.kind_of(body(id="b2"), HEADERS), 0.1, STAFF)
    assert not is_quick(paces, body(id="b1"))


def test_one_that_the_machine_was_slow_for_does_not_make_its_kind_slow() -> None:
    paces = noted(id="b1")
    paces.note(paces.kind_of(body(id="b2"), HEADERS), 0.01, STAFF)
    assert is_quick(paces, body(id="b1"))


def test_where_the_store_is_elsewhere_nothing_is_quick() -> None:
    assert Paces(reads_at_once=False).kind_of(body(id="b1"), HEADERS) is None


@pytest.mark.parametrize("asked", [b"", b"[]", b"{", b'{"variables": 1}', b'{"query": {}, "variables": [1]}'])
def test_what_is_no_request_has_no_pace(asked: bytes) -> None:
    assert Paces(reads_at_once=True).kind_of(asked, HEADERS) is None
