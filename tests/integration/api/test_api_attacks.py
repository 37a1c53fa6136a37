"""Requests that mean harm: refused at once, and before anything is read."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_samples import Api, open_api, problem

from ringfence.api import endpoint
from ringfence.domain.scope import Role


def nest(levels: int) -> str:
    return "{ network(id: \"n1\") " + "{ rings(first: 1) { nodes { network " * levels + "{ runId }" + \
           " } } }" * levels + " }"  # fmt: skip


def bomb(width: int) -> str:
    fragments = " ".join(
        f"fragment F{i} on Network {{ a{i}: rings(first: 9) {{ nodes {{ network {{ ...F{i + 1} }} }} }}"
        f" b{i}: rings(first: 9) {{ nodes {{ network {{ ...F{i + 1} }} }} }} }}"
        for i in range(width)
    )
    return f'{{ network(id: "n") {{ ...F0 }} }} fragment F{width} on Network {{ runId }} {fragments}'


NOTE = 'addNote(input: { ringId: "r1", text: "again" }) { ring { notes } }'


ATTACKS = {
    "mutations by alias": "mutation {" + " ".join(f"a{i}: {NOTE}" for i in range(40)) + "}",
    "two mutations": f"mutation {{ {NOTE} b: {NOTE} }}",
    "a mutation and nothing": f"mutation {{ __typename {NOTE} }}",
    "one mutation twice": f"mutation {{ {NOTE} {NOTE} }}",
    "mutations in fragments": "mutation { ...A ...B } "
    + " ".join(f"fragment {name} on Mutation {{ {name}: {NOTE} }}" for name in "AB"),
    "mutations in a fragment spread twice": f"mutation {{ ...A ...A }} fragment A on Mutation {{ {NOTE} }}",
    "a mutation that answers too much": "mutation { "
    + NOTE.replace(
        "notes",
        "run { rings } network { rings(first: 100) { nodes { members(first: 100) { nodes { why } } } } }",
    )
    + " }",
    "a mutation in a query": f"query {{ ... on Mutation {{ {NOTE} }} }}",
    "a mutation as a subscription": f"subscription {{ {NOTE} }}",
    "paths by alias": "{"
    + " ".join(f'a{i}: path(from: "b{i}", to: "b1") {{ lookedAt }}' for i in range(11))
    + "}",
    "paths in a fragment": "{ ...A } fragment A on Query {"
    + " ".join(f'a{i}: path(from: "b{i}", to: "b1") {{ lookedAt }}' for i in range(11))
    + "}",
    "runs by alias": "mutation {"
    + " ".join(f'a{i}: startRun(input: {{ reason: "x" }}) {{ userErrors {{ code }} }}' for i in range(9))
    + "}",
    "reports by alias": "mutation {"
    + " ".join(f'a{i}: fileReport(input: {{ buyerId: "b{i}" }}) {{ isNew }}' for i in range(9))
    + "}",
    "risks by alias": "{" + " ".join(f'a{i}: buyerRisk(id: "b{i}") {{ band }}' for i in range(21)) + "}",
    "an audit that is too long": "{ auditLog(first: 1000) { nodes { at } } }",
    "an audit without size": "{ auditLog { nodes { at } } }",
    "reports of a statement that is too long": '{ recoveryStatement(merchantId: "m1", month: "2026-05")'
    " { lines(first: 5000) { totalCount } } }",
    "aliases": "{" + " ".join(f"a{i}: version" for i in range(300)) + "}",
    "aliases deeper": "{ runs(first: 1) {" + " ".join(f"a{i}: totalCount" for i in range(300)) + "} }",
    "duplicate fields": "{" + "version " * 900 + "}",
    "directives": "{ version " + "@include(if: true) " * 150 + "}",
    "unknown directives": "{ version " + "@aa" * 900 + "}",
    "fragments": bomb(25),
    "fragment bomb that fits": bomb(3),
    "many fragments": "{ ...F0 } " + " ".join(f"fragment F{i} on Query {{ version }}" for i in range(120)),
    "circular fragments": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "depth": nest(20),
    "depth of text": "{ a " * 900 + "}" * 900,
    "depth of lists": "{ rings(status: " + "[" * 900 + "]" * 900 + ") { totalCount } }",
    "tokens": "{ version " * 5_000,
    "comments": "#\n" * 20_000 + "{ version }",
    "circular introspection": "{ __schema { types "
    + "{ fields { type " * 3
    + "{ name }"
    + " } }" * 3
    + " } }",
    "large pages": "{ rings(first: 100) { nodes { members(first: 100) { nodes { buyer { orders } } } } } }",
    "no size": "{ rings { totalCount } }",
    "size below zero": "{ rings(first: -1) { nodes { ringId } } }",
    "fields of one name": "{" + ("runs(first: 1) {" + ("nodes {" + "id " * 10 + "}") * 7 + "}") * 10 + "}",
    "endless numbers": "{ runs(first: " + "9" * 5_000 + ") { totalCount } }",
    "unknown fields": "{" + " ".join(f"x{i}" for i in range(20)) + "}",
}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_an_attack_is_refused_at_once_and_before_anything_is_read(api: Api, name: str) -> None:
    seconds = []
    for _ in range(3):
        api.calls.clear()
        # Of this process alone: others may be busy on the same machine.
        begun = time.process_time()
        response = api.post({"query": ATTACKS[name]})
        seconds.append(time.process_time() - begun)
        assert response.status_code == 400, response.text[:300]
        assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"INVALID"}
        assert len(response.json()["errors"]) <= 11
        # The key is looked up, nothing else.
        assert api.calls == {"records.state": 1}
    assert min(seconds) < 0.05


def test_a_body_that_is_too_large_is_not_read_to_its_end(api: Api) -> None:
    begun = time.perf_counter()
    response = api.post({"query": "{ version }", "variables": {"x": "y" * 2_000_000}})
    assert problem(response) == (413, "INVALID")
    assert time.perf_counter() - begun < 0.5
    assert not api.calls


def test_a_body_of_untold_length_is_not_read_to_its_end_either(api: Api) -> None:
    sent = []

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            sent.append(1)
            yield b" " * 10_000

    headers = {"Authorization": f"Bearer {api.keys[Role.INVESTIGATOR]}", "Content-Type": "application/json"}
    assert problem(api.client.post("/graphql", content=endless(), headers=headers)) == (413, "INVALID")
    assert len(sent) < 10


def test_a_client_that_dawdles_is_not_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dawdling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    monkeypatch.setattr(endpoint, "_BODY_SECONDS", 0.05)
    headers = {"Authorization": f"Bearer {api.keys[Role.INVESTIGATOR]}", "Content-Type": "application/json"}
    assert problem(api.client.post("/graphql", content=dawdling(), headers=headers)) == (408, "INVALID")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8410", "127.0.0.1.evil.example", "192.0.2.1", ""]
)
def test_a_page_that_calls_this_machine_by_a_name_of_its_own_is_answered_nothing(api: Api, host: str) -> None:
    for path in ("/graphql", "/livez", "/graphql/", "/"):
        refused = api.client.get(path, host=host, accept="text/html")
        assert (refused.status_code, refused.headers["content-type"]) == (421, "text/plain; charset=utf-8")
    assert api.post({"query": "{ version }"}, headers={"Host": host}).status_code == 421
    assert not api.calls


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8410", "127.0.0.1", "127.0.0.1:8410", "[::1]:8410"])
def test_this_machine_has_many_names(api: Api, host: str) -> None:
    assert api.post({"query": "{ version }"}, headers={"Host": host}).status_code == 200


def test_behind_a_proxy_any_name_is_answered_and_none_is_led_to(tmp_path: Path) -> None:
    with open_api(tmp_path, any_host=True) as api:
        assert api.post({"query": "{ version }"}, headers={"Host": "rings.example"}).status_code == 200
        near = api.client.get("/graphql/", host="rings.example")
        assert (near.status_code, "location" in near.headers) == (404, False)
