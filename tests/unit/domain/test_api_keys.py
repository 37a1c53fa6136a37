import pytest

from ringfence.domain.api_keys import ApiKey, KeyStatus, created, digest_of, fold, revoked
from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.records import Event
from ringfence.domain.scope import Principal, Role

DAY = 86_400_000_000
NOW = 1_800_000_000_000_000


def key(role: Role = Role.INVESTIGATOR, merchant: str | None = None, days: int = 1) -> ApiKey:
    return fold("k1", [created("ana", role, merchant, days, digest_of("secret"), "op", NOW)])


def test_a_key_is_valid_until_it_expires() -> None:
    assert key().status(NOW) is key().status(NOW + DAY - 1) is KeyStatus.VALID
    assert key().status(NOW + DAY) is KeyStatus.EXPIRED
    assert key(days=2).status(NOW + DAY) is KeyStatus.VALID


def test_a_key_is_over_once_it_is_revoked() -> None:
    ended = fold("k1", [revoked(key(), "ana left", "op", NOW + 1)], key())
    assert ended.status(NOW + 1) is KeyStatus.REVOKED
    assert ended.revoked_at == NOW + 1
    with pytest.raises(ConflictError, match="was revoked before"):
        revoked(ended, "again", "op", NOW + 2)
    with pytest.raises(InvalidError, match="The reason"):
        revoked(key(), " ", "op", NOW)


def test_a_key_is_revoked_after_it_was_made_whatever_the_clock_says() -> None:
    assert fold("k1", [revoked(key(), "ana left", "op", NOW - DAY)], key()).revoked_at == NOW


def test_a_key_opens_with_its_secret_alone_and_shows_nothing_of_it() -> None:
    assert key().opens_with("secret")
    assert not any(key().opens_with(guess) for guess in ("", "Secret", "secre", "secret ", key().digest))
    assert "secret" not in repr(key())
    assert key().digest not in repr(key())


def test_a_key_stands_for_its_principal() -> None:
    assert key().principal() == Principal("ana", Role.INVESTIGATOR)
    assert key(Role.MERCHANT, "m1").principal() == Principal("ana", Role.MERCHANT, "m1")


def test_what_is_kept_of_a_key_gives_it_back() -> None:
    for made in (key(), key(Role.MERCHANT, "m1")):
        assert ApiKey.from_state(made.to_state()) == made


@pytest.mark.parametrize("merchant", [None, "", " "])
def test_a_merchants_key_names_its_merchant(merchant: str | None) -> None:
    with pytest.raises(InvalidError, match=r"[mM]erchant"):
        key(Role.MERCHANT, merchant)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MERCHANT])
@pytest.mark.parametrize("merchant", ["m1", ""])
def test_no_other_key_names_a_merchant(role: Role, merchant: str) -> None:
    with pytest.raises(InvalidError, match=f"the role {role} sees all"):
        key(role, merchant)


@pytest.mark.parametrize("days", [-1, 0, 3_651])
def test_a_key_lives_for_days_not_for_ever(days: int) -> None:
    with pytest.raises(InvalidError, match="1 to 3,650 days"):
        key(days=days)


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\x07b"])
def test_a_key_has_a_name_that_can_stand_in_a_record(name: str) -> None:
    with pytest.raises(InvalidError, match="The key's name"):
        created(name, Role.JOB, None, 1, "", "op", NOW)


@pytest.mark.parametrize("types", [[], ["revoked"], ["created", "created"], ["created", "burned"]])
def test_the_record_of_a_key_begins_with_its_making_and_holds_nothing_unknown(types: list[str]) -> None:
    made = created("ana", Role.JOB, None, 1, "", "op", NOW)
    with pytest.raises(ValueError, match="key"):
        fold("k1", [Event(type, NOW, "op", made.data) for type in types])
