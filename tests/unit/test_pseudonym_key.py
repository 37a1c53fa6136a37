import os
from pathlib import Path

import pytest

from ringfence.market.pseudonym_key import PseudonymKey, UnreadableKeyError


def test_a_key_is_made_on_first_use_and_read_afterwards(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "key"
    made = PseudonymKey.load_or_create(place)
    assert PseudonymKey.load_or_create(place) == made
    assert os.stat(place).st_mode & 0o777 == 0o600
    assert [file.name for file in place.parent.iterdir()] == ["key"]


def test_two_keys_differ_and_so_do_their_ids(tmp_path: Path) -> None:
    one, two = (PseudonymKey.load_or_create(tmp_path / name) for name in "ab")
    assert one.secret != two.secret
    assert one.key_id != two.key_id
    assert one.derive("a") != one.derive("b")


def test_a_key_does_not_show_its_secret() -> None:
    key = PseudonymKey(b"s" * 32)
    assert "ss" not in repr(key)
    assert (b"s" * 32).hex()[:16] not in repr(key) + key.key_id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "key"
    PseudonymKey.load_or_create(place)
    place.chmod(mode)
    with pytest.raises(UnreadableKeyError, match="open to other users"):
        PseudonymKey.load_or_create(place)


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 33, "é"])
def test_a_malformed_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    place = tmp_path / "key"
    place.write_text(text)
    place.chmod(0o600)
    with pytest.raises(UnreadableKeyError, match="not 64 hexadecimal digits") as caught:
        PseudonymKey.load_or_create(place)
    assert not text or text not in str(caught.value)


def test_a_place_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableKeyError, match="RINGFENCE_KEY_FILE"):
        PseudonymKey.load_or_create(tmp_path)
