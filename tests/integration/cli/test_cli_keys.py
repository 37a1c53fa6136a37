import json
import time
from collections.abc import Callable

import pytest
from processes import Finished

from ringfence.domain.api_keys import NoValidKeyError
from ringfence.domain.scope import Principal, Role
from ringfence.services.manage_keys import authenticate
from ringfence.store import Store

Command = Callable[..., Finished]


@pytest.fixture
def keys(ringfence: Command, store: Store, store_address: str) -> Command:
    """Run `ringfence keys` on a store."""

    def command(*arguments: str) -> Finished:
        return ringfence("keys", *arguments, "--store", store_address)

    return command


def now() -> int:
    return time.time_ns() // 1000


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_every_command_explains_itself_with_an_example(ringfence: Command, command: str) -> None:
    told = ringfence("keys", command, "--help")
    assert told.code == 0
    assert f"Example: ringfence keys {command}" in told.out
    assert max(map(len, told.out.splitlines())) <= 80


def test_the_group_alone_tells_its_commands_and_fails(ringfence: Command) -> None:
    told = ringfence("keys")
    assert told.code == 2
    assert {"create", "list", "revoke"} <= set(told.out.split())


def test_a_token_is_printed_once_and_opens_the_store_until_it_is_revoked(keys: Command, store: Store) -> None:
    told = keys("create", "--name", "ana", "--role", "investigator", "--days", "30")
    assert told.code == 0
    token = told.out.splitlines()[0]
    assert authenticate(store, token, now()) == Principal("ana", Role.INVESTIGATOR)
    (key,) = json.loads(keys("list", "--json").out)
    assert (key["id"], key["name"], key["role"], key["status"]) == (
        token.split(".")[0],
        "ana",
        "investigator",
        "valid",
    )
    listing = keys("list").out
    assert key["id"] in listing
    assert token.split(".")[1] not in listing
    assert keys("revoke", key["id"], "--reason", "ana left").out == f"{key['id']} (ana) is revoked.\n"
    with pytest.raises(NoValidKeyError):
        authenticate(store, token, now())
    assert json.loads(keys("list", "--json").out)[0]["status"] == "revoked"


def test_a_merchants_key_sees_its_merchant(keys: Command, store: Store) -> None:
    made = json.loads(
        keys("create", "--name", "shop", "--role", "merchant", "--merchant", "m1", "--json").out
    )
    assert authenticate(store, made["token"], now()) == Principal("shop", Role.MERCHANT, "m1")
    assert (made["merchant_id"], made["status"]) == ("m1", "valid")


def test_no_keys_say_how_to_make_one(keys: Command, store_address: str) -> None:
    assert keys("list").out == f"No keys; ringfence keys create --store {store_address} makes one.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--role", "job"), "--name"),
        (("create", "--name", "ana"), "--role"),
        (("create", "--name", "ana", "--role", "king"), "--role"),
        (("create", "--name", " ", "--role", "job"), "The key's name is empty"),
        (("create", "--name", "shop", "--role", "merchant"), "A merchant's key needs its merchant"),
        (("create", "--name", "ana", "--role", "job", "--merchant", "m1"), "Only a merchant's key"),
        (("create", "--name", "ana", "--role", "job", "--days", "0"), "1 to 3,650 days"),
        (("revoke", "k1", "--reason", "gone"), "There is no key k1"),
        (("revoke", "k1"), "--reason"),
    ],
)
def test_what_is_refused_makes_no_key(keys: Command, arguments: tuple[str, ...], said: str) -> None:
    told = keys(*arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err.splitlines()[-1]
    assert json.loads(keys("list", "--json").out) == []
