import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.domain.api_keys import KeyStatus, NoValidKeyError
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from ringfence.domain.records import RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.scope import Principal, Role
from ringfence.services.manage_keys import authenticate, create_key, list_keys, revoke_key
from ringfence.store import Store

OP = Principal("op", Role.OPERATOR)
DAY = 86_400_000_000
NOW = 1_777_593_600_000_000


def test_a_token_opens_the_store_to_its_principal(store: Store) -> None:
    for role in Role:
        merchant = "m1" if role is Role.MERCHANT else None
        key, token = create_key(store, OP, "ana", role, merchant, 30, NOW)
        assert token.split(".")[0] == key.id
        assert authenticate(store, token, NOW) == Principal("ana", role, merchant)


def test_tokens_are_long_and_never_the_same(store: Store) -> None:
    tokens = [create_key(store, OP, "ana", Role.JOB, None, 1, NOW)[1] for _ in range(20)]
    assert len({token.split(".")[0] for token in tokens}) == 20
    assert len({token.split(".")[1] for token in tokens}) == 20
    # 43 characters of 6 bits hold 256.
    assert {len(token.split(".")[1]) for token in tokens} == {43}


def test_only_a_digest_of_the_secret_is_kept(store: Store, tmp_path: Path) -> None:
    key, token = create_key(store, OP, "ana", Role.OPERATOR, None, 1, NOW)
    revoke_key(store, OP, key.id, "just made", NOW)
    secret = token.split(".")[1]
    (state,) = store.records.current(RecordKind.KEY)
    told = repr((state, store.records.stream(state.record)))
    kept = told.encode() + b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in kept
    assert bytes.fromhex(key.digest) not in kept
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in kept


def test_whatever_is_wrong_with_a_key_is_told_in_the_same_words(store: Store) -> None:
    key, token = create_key(store, OP, "ana", Role.OPERATOR, None, 1, NOW)
    revoked_key, revoked = create_key(store, OP, "bo", Role.OPERATOR, None, 1, NOW)
    revoke_key(store, OP, revoked_key.id, "bo left", NOW)
    secret = token.split(".")[1]
    assert authenticate(store, token, NOW + DAY - 1).name == "ana"
    told = set()
    for wrong, at in (
        (token, NOW + DAY),
        (revoked, NOW),
        (f"{revoked_key.id}.{secret}", NOW),
        (f"k000000000000.{secret}", NOW),
        (f"{key.id}.{secret[:-1]}", NOW),
        (f"{key.id}.{secret}x", NOW),
        (f"{key.id}.{secret}.", NOW),
        (f"{key.id}.{key.digest}", NOW),
        (f" {token}", NOW),
        (f"{key.id}.", NOW),
        (key.id, NOW),
        ("", NOW),
        (".", NOW),
        (token * 100, NOW),
        (f"{key.id}.\udc80\U0001f98a", NOW),
        (f"\x00.{secret}", NOW),
    ):
        with pytest.raises(NoValidKeyError) as refusal:
            authenticate(store, wrong, at)
        told.add(str(refusal.value))
    assert len(told) == 1


@given(st.text(max_size=60))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_opens_a_store_without_keys(store: Store, text: str) -> None:
    with pytest.raises(NoValidKeyError):
        authenticate(store, text, NOW)


def test_a_revoked_key_is_over_for_ever_and_its_reason_is_kept(store: Store) -> None:
    key, token = create_key(store, OP, "ana", Role.JOB, None, 1, NOW)
    ended = revoke_key(store, Principal("chief", Role.OPERATOR), key.id, "ana left", NOW + 5)
    assert (ended.status(NOW), ended.revoked_at) == (KeyStatus.REVOKED, NOW + 5)
    with pytest.raises(NoValidKeyError):
        authenticate(store, token, NOW)
    with pytest.raises(ConflictError, match="was revoked before"):
        revoke_key(store, OP, key.id, "again", NOW)
    events = store.records.stream(RecordRef(RecordKind.KEY, key.id))
    assert [(event.type, event.actor) for event in events] == [("created", "op"), ("revoked", "chief")]
    assert events[1].data == {"reason": "ana left"}


def test_keys_are_listed_latest_first(store: Store) -> None:
    made = [
        create_key(store, OP, f"key {place}", Role.JOB, None, 1, NOW + place % 3)[0] for place in range(6)
    ]
    assert list_keys(store, OP) == tuple(sorted(made, key=lambda key: (-key.created_at, key.id)))


def test_a_merchants_key_is_found_by_its_merchant(store: Store) -> None:
    key, _ = create_key(store, OP, "shop", Role.MERCHANT, "m1", 1, NOW)
    create_key(store, OP, "shop", Role.MERCHANT, "m2", 1, NOW)
    (found,) = store.records.current(RecordKind.KEY, Subject(SubjectKind.MERCHANT, "m1"))
    assert found.record.id == key.id


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_only_operators_manage_keys(store: Store, role: Role) -> None:
    key, _ = create_key(store, OP, "ana", Role.JOB, None, 1, NOW)
    eve = Principal("eve", role)
    with pytest.raises(ForbiddenError, match="Only operators"):
        create_key(store, eve, "eve", Role.OPERATOR, None, 1, NOW)
    with pytest.raises(ForbiddenError, match="Only operators"):
        list_keys(store, eve)
    with pytest.raises(ForbiddenError, match="Only operators"):
        revoke_key(store, eve, key.id, "because", NOW)
    assert list_keys(store, OP) == (key,)


def test_an_unknown_key_cannot_be_revoked_and_a_bad_one_not_made(store: Store) -> None:
    with pytest.raises(NotFoundError, match="There is no key k1"):
        revoke_key(store, OP, "k1", "because", NOW)
    with pytest.raises(InvalidError):
        create_key(store, OP, "shop", Role.MERCHANT, None, 1, NOW)
    assert list_keys(store, OP) == ()
