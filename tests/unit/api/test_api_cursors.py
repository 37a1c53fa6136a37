import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.api.cursors import Cursor, read_cursor, write_cursor
from ringfence.api.global_ids import global_id, read_global_id
from ringfence.domain.errors import InvalidError
from ringfence.domain.pages import Key

keys = st.builds(Key, st.floats(-(2.0**62), 2.0**62), st.text())


@given(st.text(), st.integers(0, 2**63 - 1), keys)
@example("reports", 0, Key(1_780_000_000_000_000, "r1"))
def test_a_cursor_says_where_it_was_written(list_name: str, run: int, key: Key) -> None:
    cursor = Cursor(run, key)
    assert read_cursor(list_name, write_cursor(list_name, cursor)) == cursor


@given(keys)
def test_a_cursor_of_another_list_is_refused(key: Key) -> None:
    with pytest.raises(InvalidError, match="`after` is a cursor of another list"):
        read_cursor("rings by size", write_cursor("rings by score", Cursor(1, key)))


@given(st.text())
def test_no_text_breaks_the_reader_of_cursors(text: str) -> None:
    with pytest.raises(InvalidError, match="`after`"):
        read_cursor("rings", text)


@given(st.binary())
def test_no_bytes_break_the_reader_of_cursors(content: bytes) -> None:
    with pytest.raises(InvalidError, match="`after`"):
        read_cursor("rings", base64.urlsafe_b64encode(content).decode())


@pytest.mark.parametrize(
    "parts",
    ['["rings",-1,1.0,"r"]', '["rings",true,1.0,"r"]', '["rings",1,1,"r"]', '["rings",1,1.0]',
     '["rings",1,1.0,2]', '["rings",1,1e999,"r"]', '{"a":1}', '["rings",9223372036854775808,1.0,"r"]',
     '["rings",1,1e300,"r"]', '["rings",1,9.3e18,"r"]', '["rings",1,-1e19,"r"]'],
)  # fmt: skip
def test_cursors_that_nobody_wrote_are_refused(parts: str) -> None:
    with pytest.raises(InvalidError, match="`after` is no cursor"):
        read_cursor("rings", base64.urlsafe_b64encode(parts.encode()).decode())


def test_no_cursor_is_no_place() -> None:
    assert read_cursor("rings", None) is None


@given(st.sampled_from(["Ring", "Buyer"]), st.text(min_size=1))
def test_a_global_id_holds_kind_and_id(kind: str, own_id: str) -> None:
    assert read_global_id(global_id(kind, own_id)) == (kind, own_id)


@given(st.text())
def test_no_text_breaks_the_reader_of_global_ids(text: str) -> None:
    try:
        kind, own_id = read_global_id(text)
    except InvalidError:
        return
    assert kind
    assert own_id
