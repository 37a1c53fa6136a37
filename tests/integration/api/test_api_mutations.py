"""What people change through the API: done and told as a whole, or refused and nothing written."""

import json
import logging
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from api_samples import DAY, NOW, OPERATOR, Api, hold, load_market, open_api, problem, publish_run

from neo4j_database import Emptying, Login
from ringfence.api.access_log import LOGGER, JsonLines
from ringfence.api.graphiql_page import example_queries
from ringfence.api.limits import Limits
from ringfence.api.types.scalars import time_text
from ringfence.domain.errors import UnavailableError
from ringfence.domain.leases import LeaseName
from ringfence.domain.policy import CasePolicy, Policy
from ringfence.domain.progress import Silent
from ringfence.domain.records import RecordKind, RecordRef
from ringfence.domain.scope import Role
from ringfence.services.manage_keys import create_key
from ringfence.store import Store

ERRORS = "userErrors { field message code }"
DECIDE = (
    f"mutation M($input: DecideRingInput!) {{ decideRing(input: $input) {{ ring {{ status }} {ERRORS} }} }}"
)
TOMORROW = time_text(NOW + DAY)
RINGS = 60


def decide_as(answer: str) -> str:
    return DECIDE.replace("ring { status }", answer)


def changing(name: str, kind: str, answer: str) -> str:
    return f"mutation M($input: {kind}!) {{ {name}(input: $input) {{ {answer} {ERRORS} }} }}"


SNOOZE = changing("snooze", "SetRingAsideInput", "ring { status statusReason version }")
ALLOW = changing("allow", "SetRingAsideInput", "ring { status statusReason version }")
UNDO = changing("undoDecision", "UndoDecisionInput", "ring { status version }")
NOTE = changing("addNote", "AddNoteInput", "ring { notes version }")
ASSIGN = changing("assign", "AssignInput", "ring { owner version }")


def fill_with_rings(store: Store) -> None:
    load_market(store)
    publish_run(store, {f"w{i}": ("b1", "b2") for i in range(RINGS)}, [])


@pytest.fixture(scope="module", params=["sqlite", "neo4j"])
def changed_api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on a store of each kind that tests change, each at a ring of its own."""
    address: str | None = None
    credentials: tuple[str | None, str | None] = (None, None)
    if request.param == "neo4j":
        login: Login = request.getfixturevalue("neo4j_server")
        emptying: Emptying = request.getfixturevalue("_emptying")
        emptying.empty()
        address, credentials = login.address, login.credentials
    folder = tmp_path_factory.mktemp("changed")
    with open_api(folder, address=address, credentials=credentials, filled=False) as api:
        fill_with_rings(api.store)
        yield api


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def ring(changed_api: Api, numbers: Iterator[int]) -> str:
    """A ring that no other test touches."""
    return f"w{next(numbers) % RINGS}"


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """Open the API on a store of one's own."""
    opened = []

    def open_own(**how: Any) -> Api:
        context = open_api(tmp_path, filled=False, **how)
        api = context.__enter__()
        opened.append(context)
        fill_with_rings(api.store)
        return api

    yield open_own
    for context in opened:
        context.__exit__(None, None, None)


def versions(store: Store) -> dict[tuple[RecordKind, str], int]:
    return {(kind, one.record.id): one.version for kind in RecordKind for one in store.records.current(kind)}


def events(api: Api, ring: str) -> list[tuple[str, str]]:
    stream = api.store.records.stream(RecordRef(RecordKind.RING_DECISION, ring))
    return [(event.type, event.actor) for event in stream]


def refusal(api: Api, query: str, **said: Any) -> tuple[str, Any]:
    """Give code and field of the one thing to mend, having seen that nothing was written."""
    before = versions(api.store)
    (payload,) = api.ask(query, input=said).values()
    assert payload["ring"] is None
    (error,) = payload["userErrors"]
    assert versions(api.store) == before
    assert error["message"].endswith(".")
    return error["code"], error["field"]


def test_a_ring_is_decided_by_the_name_of_the_key_and_told_as_it_stands_then(
    changed_api: Api, ring: str
) -> None:
    ask = decide_as(
        "ring { ringId status statusReason owner version decisions { by outcome text evidence } }"
    )
    said = {"ringId": ring, "outcome": "DISMISS", "reason": "a family", "expectedVersion": 0}
    told = changed_api.ask(ask, input=said)["decideRing"]
    assert told["userErrors"] == []
    assert (told["ring"]["ringId"], told["ring"]["status"], told["ring"]["version"]) == (ring, "DISMISSED", 1)
    assert "a family" in told["ring"]["statusReason"]
    (decision,) = told["ring"]["decisions"]
    assert (decision["by"], decision["outcome"], decision["text"]) == (
        "investigator's key",
        "DISMISS",
        "a family",
    )
    assert told["ring"]["owner"] == "investigator's key"
    assert events(changed_api, ring) == [("decided", "investigator's key")]


def test_a_ring_is_confirmed_by_a_second_person(changed_api: Api, ring: str) -> None:
    ask = decide_as("ring { status statusReason proposedBy version decisions { type by outcome text } }")
    said = {"ringId": ring, "outcome": "CONFIRM", "reason": "same photos"}
    proposed = changed_api.ask(ask, input=said)["decideRing"]["ring"]
    assert (proposed["status"], proposed["proposedBy"]) == ("OPEN", "investigator's key")
    assert "it waits for another investigator" in proposed["statusReason"]
    assert refusal(changed_api, DECIDE, **said) == ("CONFLICT", None)
    _, token = create_key(changed_api.store, OPERATOR, "bea", Role.INVESTIGATOR, None, 1, NOW)
    answer = changed_api.post({"query": ask, "variables": {"input": said}}, None, {"X-API-Key": token})
    confirmed = answer.json()["data"]["decideRing"]["ring"]
    assert (confirmed["status"], confirmed["proposedBy"], confirmed["version"]) == ("CONFIRMED", None, 2)
    assert [(one["type"], one["by"], one["outcome"]) for one in confirmed["decisions"]] == [
        ("PROPOSED", "investigator's key", "CONFIRM"),
        ("DECIDED", "bea", "CONFIRM"),
    ]


def test_a_ring_is_confirmed_by_one_person_where_the_policy_says_so(own_api: Callable[..., Api]) -> None:
    api = own_api(policy=Policy(cases=CasePolicy(second_person_to_confirm=False)))
    told = api.ask(DECIDE, input={"ringId": "w1", "outcome": "CONFIRM", "reason": "x"})["decideRing"]
    assert told["ring"] == {"status": "CONFIRMED"}


def test_a_ring_is_put_off_tolerated_and_looked_at_again(changed_api: Api, ring: str) -> None:
    said = {"ringId": ring, "reason": "wait", "until": TOMORROW}
    snoozed = changed_api.ask(SNOOZE, input=said)["snooze"]["ring"]
    assert (snoozed["status"], snoozed["version"]) == ("SNOOZED", 1)
    assert TOMORROW[:10] in snoozed["statusReason"]
    allowed = changed_api.ask(ALLOW, input=said | {"expectedVersion": 1})["allow"]["ring"]
    assert (allowed["status"], allowed["version"]) == ("ALLOWED", 2)
    undo = {"ringId": ring, "reason": "enough"}
    assert changed_api.ask(UNDO, input=undo)["undoDecision"]["ring"] == {"status": "SNOOZED", "version": 3}
    assert changed_api.ask(UNDO, input=undo)["undoDecision"]["ring"] == {"status": "OPEN", "version": 4}
    assert refusal(changed_api, UNDO, **undo) == ("CONFLICT", None)


def test_a_ring_is_given_to_somebody_and_back_and_written_about(changed_api: Api, ring: str) -> None:
    given = changed_api.ask(ASSIGN, input={"ringId": ring, "owner": "bea"})["assign"]["ring"]
    assert given == {"owner": "bea", "version": 1}
    back = changed_api.ask(ASSIGN, input={"ringId": ring, "owner": None})["assign"]["ring"]
    assert back == {"owner": None, "version": 2}
    noted = changed_api.ask(NOTE, input={"ringId": ring, "text": "called\nthem"})["addNote"]["ring"]
    assert noted == {"notes": 1, "version": 3}


def test_what_a_change_answers_needs_no_ring(changed_api: Api, ring: str) -> None:
    ask = NOTE.replace("ring { notes version } ", "")
    changed_api.calls.clear()
    assert changed_api.ask(ask, input={"ringId": ring, "text": "x"}) == {"addNote": {"userErrors": []}}
    assert changed_api.calls["rings.last_known"] == 1
    assert not changed_api.calls["snapshot"] - 1
    assert events(changed_api, ring) == [("noted", "investigator's key")]


@pytest.mark.parametrize(
    ("query", "said", "refused"),
    [
        (DECIDE, {"outcome": "DISMISS", "reason": " "}, ("INVALID", ["input", "reason"])),
        (DECIDE, {"outcome": "DISMISS", "reason": "x" * 2_001}, ("INVALID", ["input", "reason"])),
        (DECIDE, {"outcome": "DISMISS", "reason": "a\0b"}, ("INVALID", ["input", "reason"])),
        (DECIDE, {"outcome": "SNOOZE", "reason": "x"}, ("INVALID", ["input", "until"])),
        (DECIDE, {"outcome": "CONFIRM", "reason": "x", "until": TOMORROW}, ("INVALID", ["input", "until"])),
        (
            DECIDE,
            {"outcome": "ALLOW", "reason": "x", "until": "2001-01-01T00:00:00Z"},
            ("INVALID", ["input", "until"]),
        ),
        (SNOOZE, {"reason": "x", "until": "2001-01-01T00:00:00Z"}, ("INVALID", ["input", "until"])),
        (ALLOW, {"reason": "", "until": TOMORROW}, ("INVALID", ["input", "reason"])),
        (UNDO, {"reason": "x"}, ("CONFLICT", None)),
        (NOTE, {"text": "x" * 10_001}, ("INVALID", ["input", "text"])),
        (ASSIGN, {"owner": "x" * 201}, ("INVALID", ["input", "owner"])),
        (NOTE, {"text": "x", "expectedVersion": 7}, ("CONFLICT", ["input", "expectedVersion"])),
        (NOTE, {"text": "x", "expectedVersion": -1}, ("CONFLICT", ["input", "expectedVersion"])),
        *(
            (query, {"ringId": "nobody", **said}, ("NOT_FOUND", ["input", "ringId"]))
            for query, said in (
                (DECIDE, {"outcome": "CONFIRM", "reason": "x"}),
                (SNOOZE, {"reason": "x", "until": TOMORROW}),
                (UNDO, {"reason": "x"}),
                (NOTE, {"text": "x"}),
                (ASSIGN, {"owner": "bea"}),
            )
        ),
    ],
)
def test_what_can_be_mended_is_told_with_the_input_at_fault_and_nothing_is_written(
    changed_api: Api, ring: str, query: str, said: dict[str, Any], refused: tuple[str, Any]
) -> None:
    assert refusal(changed_api, query, **{"ringId": ring, **said}) == refused


def test_inputs_that_fit_no_type_are_refused_before_anything_is_read(changed_api: Api, ring: str) -> None:
    decision: dict[str, Any] = {"ringId": ring, "outcome": "DISMISS", "reason": "x"}
    before = versions(changed_api.store)
    for wrong in (
        {},
        decision | {"outcome": "FORGIVE"},
        decision | {"reason": None},
        decision | {"reason": 5},
        decision | {"until": "tomorrow"},
        decision | {"expectedVersion": 2**31},
        decision | {"expectedVersion": "1"},
        decision | {"force": True},
        [decision, decision | {"reason": None}],
    ):
        changed_api.calls.clear()
        response = changed_api.post({"query": DECIDE, "variables": {"input": wrong}})
        assert response.status_code == 400
        assert {one["extensions"]["code"] for one in response.json()["errors"]} == {"INVALID"}
        assert changed_api.calls == {"records.state": 1}
    assert versions(changed_api.store) == before


def test_of_two_people_who_saw_the_same_one_decides_and_the_other_is_told(
    changed_api: Api, ring: str
) -> None:
    bodies = [
        {
            "query": DECIDE,
            "variables": {
                "input": {"ringId": ring, "outcome": outcome, "reason": "mine", "expectedVersion": 0}
            },
        }
        for outcome in ("DISMISS", "DISMISS", "DISMISS")
    ]
    told = [one.json()["data"]["decideRing"] for one in changed_api.post_at_once(*bodies)]
    won = [one for one in told if one["ring"]]
    assert [one["ring"] for one in won] == [{"status": "DISMISSED"}]
    for lost in (one for one in told if not one["ring"]):
        (error,) = lost["userErrors"]
        assert (error["code"], error["field"]) == ("CONFLICT", ["input", "expectedVersion"])
        assert "since version 0, which you saw: it has version 1 now" in error["message"]
    assert events(changed_api, ring) == [("decided", "investigator's key")]


def test_notes_that_many_write_at_once_are_all_kept(changed_api: Api, ring: str) -> None:
    bodies = [
        {"query": NOTE, "variables": {"input": {"ringId": ring, "text": f"note {i}"}}} for i in range(4)
    ]
    told = [one.json()["data"]["addNote"] for one in changed_api.post_at_once(*bodies)]
    assert all(not one["userErrors"] for one in told)
    assert sorted(one["ring"]["notes"] for one in told)[-1] == 4
    assert len(events(changed_api, ring)) == 4


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.JOB, Role.MERCHANT])
def test_only_investigators_change_anything_about_rings(changed_api: Api, ring: str, role: Role) -> None:
    before = versions(changed_api.store)
    decision = {"ringId": ring, "outcome": "DISMISS", "reason": "x"}
    for query in (DECIDE, SNOOZE, ALLOW, UNDO, NOTE, ASSIGN):
        changed_api.calls.clear()
        status, code, message = changed_api.refused(query, role, input=decision)
        assert (status, code) == (403, "FORBIDDEN")
        assert f"A {role.value}'s key may not ask for Mutation." in message
        assert changed_api.calls == {"records.state": 1, "audit.append": 1}
    assert problem(changed_api.post({"query": NOTE}, None)) == (401, "UNAUTHENTICATED")
    assert versions(changed_api.store) == before


def test_only_the_operation_that_is_named_is_done(changed_api: Api, ring: str) -> None:
    text = " ".join(
        f'mutation {name} {{ addNote(input: {{ ringId: "{ring}", text: "{name}" }}) {{ ring {{ notes }} }} }}'
        for name in "AB"
    )
    assert problem(changed_api.post({"query": text})) == (400, "INVALID")
    answer = changed_api.post({"query": text, "operationName": "B"}).json()
    assert answer["data"] == {"addNote": {"ring": {"notes": 1}}}
    (event,) = changed_api.store.records.stream(RecordRef(RecordKind.RING_DECISION, ring))
    assert event.data == {"text": "B"}


def test_what_is_skipped_is_not_done(changed_api: Api, ring: str) -> None:
    text = NOTE.replace("$input: AddNoteInput!", "$input: AddNoteInput!, $really: Boolean!")
    text = text.replace("(input: $input)", "(input: $input) @include(if: $really)")
    said = {"ringId": ring, "text": "x"}
    assert changed_api.ask(text, input=said, really=False) == {}
    assert events(changed_api, ring) == []
    assert changed_api.ask(text, input=said, really=True)["addNote"]["ring"]["notes"] == 1


def test_the_same_words_change_things_again_each_time(changed_api: Api, ring: str) -> None:
    for notes in (1, 2, 3):
        told = changed_api.ask(NOTE, input={"ringId": ring, "text": "again"})["addNote"]["ring"]
        assert told == {"notes": notes, "version": notes}


@pytest.mark.parametrize(
    "name",
    [name for name, text in example_queries().items() if "ringId: $ring" in text and "\nmutation" in text],
)
def test_every_example_of_a_change_of_a_ring_runs(changed_api: Api, ring: str, name: str) -> None:
    if name == "UndoDecision":
        changed_api.ask(DECIDE, input={"ringId": ring, "outcome": "DISMISS", "reason": "x"})
    given: dict[str, Any] = {
        "ring": ring,
        "reason": "because",
        "until": TOMORROW,
        "owner": "bea",
        "text": "seen",
    }
    (payload,) = changed_api.ask(example_queries()[name], **given).values()
    assert payload["userErrors"] == []
    assert payload["ring"]["version"] >= 1


def test_what_a_change_costs_is_not_given_back(own_api: Callable[..., Api]) -> None:
    api = own_api(limits=Limits(burst=100, per_second=1))
    ask = {"query": NOTE, "variables": {"input": {"ringId": "w1", "text": "x"}}}
    cost = api.post(ask).json()["extensions"]["cost"]
    assert cost == {"requested": 17, "actual": 12, "available": 88, "restoreRate": 1}
    told = [api.post(ask) for _ in range(8)]
    assert problem(told[-1]) == (429, "TOO_MANY_REQUESTS")
    # The last one might have cost 17, and 16 are left.
    assert len(events(api, "w1")) == 7


def test_changes_that_must_wait_for_the_store_do_not_keep_queries_waiting(
    own_api: Callable[..., Api],
) -> None:
    api = own_api(limits=Limits(writers=0))
    response = api.post({"query": NOTE, "variables": {"input": {"ringId": "w1", "text": "x"}}})
    assert problem(response) == (503, "TOO_MANY_REQUESTS")
    assert response.headers["retry-after"] == "1"
    assert api.ask("{ version }")
    assert events(api, "w1") == []


def test_a_turn_to_write_is_given_back_however_a_change_ends(own_api: Callable[..., Api]) -> None:
    api = own_api(limits=Limits(writers=1))
    for text, is_kept in (("x", True), ("", False), ("y", True)):
        told = api.ask(NOTE, input={"ringId": "w1", "text": text})["addNote"]
        assert bool(told["ring"]) == is_kept
    rings = api.store.rings
    api.store.rings = Failing(rings, 0)  # type: ignore[misc]
    api.post({"query": NOTE, "variables": {"input": {"ringId": "w1", "text": "x"}}})
    api.store.rings = rings  # type: ignore[misc]
    assert api.ask(NOTE, input={"ringId": "w1", "text": "z"})["addNote"]["ring"]["notes"] == 3


class Failing:
    """Rings that are found so many times, and then not any more."""

    def __init__(self, rings: Any, times: int) -> None:
        self._rings, self._times = rings, times

    def __getattr__(self, name: str) -> Any:
        if name == "last_known":
            self._times -= 1
            if self._times < 0:
                raise UnavailableError("/home/ana is full")
        return getattr(self._rings, name)


def test_a_fault_before_the_end_leaves_nothing_and_tells_nothing(own_api: Callable[..., Api]) -> None:
    api = own_api()
    api.store.rings = Failing(api.store.rings, 0)  # type: ignore[misc]
    response = api.post({"query": NOTE, "variables": {"input": {"ringId": "w1", "text": "x"}}})
    assert problem(response) == (503, "UNAVAILABLE")
    assert response.json()["data"] == {"addNote": None}
    assert "ana" not in response.text
    assert events(api, "w1") == []


def test_what_was_done_is_told_though_the_ring_cannot_be_read_any_more(own_api: Callable[..., Api]) -> None:
    api = own_api()
    api.store.rings = Failing(api.store.rings, 1)  # type: ignore[misc]
    response = api.post({"query": NOTE, "variables": {"input": {"ringId": "w1", "text": "x"}}})
    assert problem(response) == (503, "UNAVAILABLE")
    assert response.json()["data"] == {"addNote": {"ring": None, "userErrors": []}}
    assert events(api, "w1") == [("noted", "investigator's key")]


def test_a_ring_that_ended_is_decided_as_it_was_last_seen(own_api: Callable[..., Api]) -> None:
    api = own_api()
    publish_run(api.store, {"new": ("b3", "b4")}, [("new", "born", "")])
    ask = decide_as("ring { runId isAlive status }")
    told = api.ask(ask, input={"ringId": "w1", "outcome": "DISMISS", "reason": "x"})["decideRing"]["ring"]
    assert told == {"runId": 1, "isAlive": False, "status": "DISMISSED"}
    lease = hold(api.store, LeaseName.DETECT)
    api.store.rings.forget(1, lease, Silent())
    assert refusal(api, NOTE, ringId="w2", text="x") == ("NOT_FOUND", ["input", "ringId"])


def test_the_log_tells_what_was_changed_and_not_what_was_said(
    own_api: Callable[..., Api], caplog: pytest.LogCaptureFixture
) -> None:
    api = own_api()
    LOGGER.propagate = True
    with caplog.at_level(logging.INFO, "ringfence.api"):
        for text in ("they called me", ""):
            api.ask(NOTE, input={"ringId": "w1", "text": text})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert [(line["changes"], line.get("code"), line["status"]) for line in lines] == [
        (["addNote"], None, 200),
        (["addNote"], "INVALID", 200),
    ]
    assert "called" not in json.dumps(lines)
