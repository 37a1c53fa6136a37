import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_samples import DAY, NOW, OPERATOR, QUEUE, Api, open_api, problem
from graphql import get_introspection_query

from ringfence.api.access_log import LOGGER, JsonLines
from ringfence.api.graphiql_page import example_queries
from ringfence.api.limits import Limits
from ringfence.domain.errors import UnavailableError
from ringfence.domain.scope import Role
from ringfence.services.manage_keys import create_key, revoke_key


def test_a_key_may_come_in_either_header(api: Api) -> None:
    token = api.keys[Role.INVESTIGATOR]
    for headers in ({"Authorization": f"bearer {token}"}, {"X-API-Key": token}):
        assert api.post({"query": "{ version }"}, None, headers).status_code == 200


def test_keys_that_do_not_open_are_refused_in_the_same_words(tmp_path: Path) -> None:
    times = [NOW]
    with open_api(tmp_path, clock=lambda: times[0]) as api:
        token = api.keys[Role.INVESTIGATOR]
        revoked, secret = create_key(api.store, OPERATOR, "gone", Role.JOB, None, 30, NOW)
        revoke_key(api.store, OPERATOR, revoked.id, "left", NOW)
        answers = set()
        for wrong in (secret, token[:-1], token.partition(".")[0], "rubbish", "k.s.x", "x" * 5_000):
            response = api.post({"query": "{ version }"}, None, headers={"X-API-Key": wrong})
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert problem(response) == (401, "UNAUTHENTICATED")
            answers.add(response.text)
        assert len(answers) == 1
        times[0] += 31 * DAY
        assert api.refused("{ version }")[0] == 401


def test_only_json_by_post_is_answered(api: Api) -> None:
    body = json.dumps({"query": "{ version }"})
    key = {"Authorization": f"Bearer {api.keys[Role.INVESTIGATOR]}"}
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""):
        response = api.client.post("/graphql", content=body, headers=key | {"Content-Type": kind})
        assert problem(response) == (415, "INVALID")
    accepted = api.client.post(
        "/graphql", content=body, headers=key | {"Content-Type": "application/json; charset=utf-8"}
    )
    assert accepted.json()["data"]["version"]
    packed = key | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert problem(api.client.post("/graphql", content=body, headers=packed))[0] == 415
    queried = api.client.get("/graphql?query={version}", **key)
    assert (queried.status_code, queried.headers["allow"]) == (405, "POST")
    changed = api.client.get(
        '/graphql?query=mutation{addNote(input:{ringId:"r1",text:"x"}){ring{notes}}}', **key
    )
    assert (changed.status_code, changed.headers["allow"]) == (405, "POST")
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert api.client.request(method, "/graphql").status_code == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"5", b"null", b'{"query": 5}', b'{"variables": {}}', b"\xff\xfe",
     b'{"query": "{ version }", "variables": []}', b'{"query": "{ version }", "operationName": 5}',
     b'[{"query": "{ version }"}, {"query": "{ version }"}]',
     b'[{"query": "mutation { __typename }"}]', b'{"query": null}', b"[" * 50_000],
)  # fmt: skip
def test_what_is_no_request_is_refused(api: Api, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {api.keys[Role.INVESTIGATOR]}", "Content-Type": "application/json"}
    assert problem(api.client.post("/graphql", content=body, headers=headers)) == (400, "INVALID")


def test_a_query_that_is_not_valid_says_where(api: Api) -> None:
    response = api.post({"query": "{\n  version rings\n}"})
    assert response.status_code == 400
    assert "first" in response.text
    assert response.json()["errors"][0]["locations"] == [{"line": 2, "column": 11}]
    assert all(error["extensions"]["code"] == "INVALID" for error in response.json()["errors"])
    assert problem(api.post({"query": "{ version"})) == (400, "INVALID")
    assert problem(api.post({"query": ""})) == (400, "INVALID")
    assert problem(api.post({"query": "mutation { version }"})) == (400, "INVALID")
    assert problem(api.post({"query": "{ addNote }"})) == (400, "INVALID")
    assert problem(api.post({"query": "subscription { version }"})) == (400, "INVALID")
    typed = "query Q($n: Int!) { runs(first: $n) { totalCount } }"
    for variables in ({}, {"n": "one"}, {"n": None}, {"n": 1.5}, {"n": 2**40}):
        assert problem(api.post({"query": typed, "variables": variables})) == (400, "INVALID")
    assert problem(api.post({"query": typed, "variables": {"n": 0}})) == (400, "INVALID")
    assert problem(api.post({"query": '{ rings(first: 1, since: "then") { totalCount } }'}))[1] == "INVALID"


def test_one_of_several_operations_is_run_by_its_name(api: Api) -> None:
    query = "query A { version } query B { runs(first: 1) { totalCount } }"
    assert "version" in api.post({"query": query, "operationName": "A"}).json()["data"]
    assert "runs" in api.post({"query": query, "operationName": "B"}).json()["data"]
    assert problem(api.post({"query": query})) == (400, "INVALID")
    assert problem(api.post({"query": query, "operationName": "C"})) == (400, "INVALID")
    nameless = api.post({"query": "{ version }", "operationName": "A"}).json()["errors"][0]["message"]
    assert nameless == "The query has no operation A; it has one without a name."


def test_the_cost_is_told_and_what_was_not_needed_given_back(tmp_path: Path) -> None:
    with open_api(tmp_path, limits=Limits(burst=100, per_second=7)) as api:
        cost = api.post({"query": QUEUE}).json()["extensions"]["cost"]
        assert cost == {"requested": 11, "actual": 3, "available": 97, "restoreRate": 7}


def test_a_key_that_asks_too_much_is_told_when_to_come_back(tmp_path: Path) -> None:
    limits = Limits(burst=100, per_second=10)
    large = "{ runs(first: 90) { nodes { runId } } }"
    with open_api(tmp_path, limits=limits) as api:
        for _ in range(40):
            response = api.post({"query": large})
            if response.status_code != 200:
                break
        assert problem(response) == (429, "TOO_MANY_REQUESTS")
        assert 1 <= int(response.headers["retry-after"]) <= 10
        assert api.post({"query": large}, Role.JOB).status_code == 200


def test_a_server_that_has_its_hands_full_says_so_at_once(tmp_path: Path) -> None:
    with open_api(tmp_path, limits=Limits(at_once=0)) as api:
        response = api.post({"query": "{ version }"})
        assert problem(response) == (503, "TOO_MANY_REQUESTS")
        assert response.headers["retry-after"] == "1"
        assert not api.calls


def test_answers_are_not_kept_and_not_guessed_at(api: Api) -> None:
    response = api.post({"query": "{ version }"})
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in response.headers
    accept = {"Accept": "application/graphql-response+json"}
    assert api.post({"query": "{ version }"}, headers=accept).headers["content-type"] == accept["Accept"]


class Broken:
    """A subject of the store that fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, _: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise self.error

        return fail


SECRET = "SELECT secret FROM /home/ana/store.sqlite"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(UnavailableError(SECRET), 503, "UNAVAILABLE"), (RuntimeError(SECRET), 200, "INTERNAL")],
)
def test_faults_say_nothing_but_where_the_log_tells_of_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, status: int, code: str
) -> None:
    with open_api(tmp_path) as api:
        api.store.rings = Broken(error)  # type: ignore[misc]
        LOGGER.propagate = True
        with caplog.at_level(logging.INFO, "ringfence.api"):
            response = api.post({"query": '{ version ring(id: "r1") { why } }'})
        lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert problem(response) == (status, code)
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    assert response.json()["data"] == {"version": "0.1.0", "ring": None}
    request_id = response.headers["x-request-id"]
    assert response.json()["errors"][0]["extensions"]["requestId"] == request_id
    faults = [line for line in lines if "fault" in line]
    assert [(line["fault"], line["request_id"]) for line in faults] == [(type(error).__name__, request_id)]
    assert not any(SECRET in json.dumps(line) for line in lines)


def test_a_store_that_fails_before_anything_is_asked_is_unavailable(tmp_path: Path) -> None:
    with open_api(tmp_path) as api:
        api.store.records = Broken(UnavailableError(SECRET))  # type: ignore[misc]
        response = api.post({"query": "{ version }"})
        assert problem(response) == (503, "UNAVAILABLE")
        api.store.records = Broken(ZeroDivisionError(SECRET))  # type: ignore[misc]
        broken = api.post({"query": "{ version }"})
    assert problem(broken) == (500, "INTERNAL")
    assert SECRET not in response.text + broken.text


def test_health_tells_the_process_from_the_store(tmp_path: Path) -> None:
    with open_api(tmp_path, clock=lambda: NOW + 5_000_000) as api:
        assert api.client.get("/livez").json() == {"status": "ok"}
        ready = api.client.get("/readyz")
        assert ready.json() == {
            "status": "ok",
            "schemaVersion": api.store.health().schema_version,
            "marketVersion": 1,
            "lastRunId": 2,
            "lastRunAgeSeconds": 5,
        }
        api.store.health = Broken(UnavailableError(SECRET)).health  # type: ignore[method-assign]
        down = api.client.get("/readyz")
        assert down.status_code == 503
        assert down.json() == {"status": "unavailable", "reason": "The store does not answer."}
        assert api.client.get("/livez").status_code == 200


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """What was logged, once it is read."""
    lines: list[dict[str, Any]] = []
    LOGGER.propagate = True
    with caplog.at_level(logging.INFO, "ringfence.api"):
        yield lines


def test_the_log_tells_of_requests_and_not_of_people(
    api: Api, log: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    api.post({"query": "query Q($id: ID!) { buyer(id: $id) { orders } }", "variables": {"id": "b1"}})
    api.client.get("/rings/b1?buyer=b1")
    api.post({"query": "{ version }"}, headers={"X-Request-ID": "given-by-proxy"})
    api.post({"query": "{ version }"}, headers={"X-Request-ID": 'no" id\t'})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/graphql", 200), ("?", 404), ("/graphql", 200), ("/graphql", 200),
    ]  # fmt: skip
    assert set(lines[0]) == {
        "at", "level", "request_id", "key", "role", "cost", "method", "route", "status", "ms",
    }  # fmt: skip
    assert lines[2]["request_id"] == "given-by-proxy"
    assert len(lines[3]["request_id"]) == 16
    text = json.dumps(lines)
    told = [{name: one for name, one in line.items() if name not in ("key", "request_id")} for line in lines]
    assert "b1" not in json.dumps(told)
    assert api.keys[Role.INVESTIGATOR].partition(".")[2] not in text


def test_the_page_asks_nobody_else_for_anything(api: Api) -> None:
    page = api.client.get("/graphql", accept="text/html,*/*")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    for what in ("script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert what in policy.split("; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    linked = [part.split('"')[0] for part in page.text.replace('href="', 'src="').split('src="')[1:]]
    assert len(linked) == 7
    for path in linked:
        asset = api.client.get(f"/{path}")
        assert asset.status_code == 200
        assert "://" not in path
    tabs = api.client.get("/graphiql/examples.json").json()
    assert [tab["query"] for tab in tabs] == list(example_queries().values())
    assert api.client.get("/graphiql/LICENSES.txt").text.count("MIT License") > 20


def test_the_page_can_ask_for_the_schema(api: Api) -> None:
    query = get_introspection_query(input_value_deprecation=True, schema_description=True)
    assert api.ask(query, Role.MERCHANT)["__schema"]["queryType"]["name"] == "Query"


def test_without_the_page_there_is_the_api_alone(tmp_path: Path) -> None:
    with open_api(tmp_path, graphiql=False) as api:
        assert api.client.get("/graphql", accept="text/html").status_code == 405
        assert api.client.get("/graphiql/graphiql.js").status_code == 404
        assert api.ask("{ version }")


def test_a_store_that_is_removed_or_replaced_is_not_answered_from(tmp_path: Path) -> None:
    folder, other = tmp_path / "served", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    with open_api(other) as another:
        keys = another.keys
    with open_api(folder, limits=Limits(threads=1)) as api:
        assert api.ask(QUEUE)
        for file in folder.iterdir():
            file.unlink()
        for role in (Role.INVESTIGATOR, Role.OPERATOR):
            assert problem(api.post({"query": QUEUE}, role)) == (503, "UNAVAILABLE")
        assert api.client.get("/readyz").status_code == 503
        with pytest.raises(UnavailableError, match="removed or replaced"):
            create_key(api.store, OPERATOR, "lost", Role.JOB, None, 30, NOW)
        assert list(folder.iterdir()) == []
        (other / "store.sqlite").rename(folder / "store.sqlite")
        api.keys = keys
        # What is asked cannot be written down there.
        assert problem(api.post({"query": QUEUE})) == (503, "UNAVAILABLE")
        with pytest.raises(UnavailableError, match="removed or replaced"):
            create_key(api.store, OPERATOR, "lost", Role.JOB, None, 30, NOW)
        assert api.client.get("/readyz").status_code == 200
