from pathlib import Path

import pytest
from api_samples import ANA, NOW, Api, open_api, publish_run

from ringfence.api.cursors import Cursor, write_cursor
from ringfence.api.global_ids import global_id
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.pages import Key
from ringfence.domain.progress import Silent
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Role
from ringfence.services.decide_rings import assign, decide, note, undo

PAGE = """
query Page($after: String, $run: Int) {
  rings(first: 1, after: $after, run: $run, status: [OPEN, DISMISSED]) {
    totalCount
    nodes { ringId runId }
    edges { cursor node { ringId } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


def queue(api: Api, conditions: str) -> list[str]:
    data = api.ask(f"{{ rings(first: 10, {conditions}) {{ totalCount nodes {{ ringId }} }} }}")
    found = [ring["ringId"] for ring in data["rings"]["nodes"]]
    assert data["rings"]["totalCount"] == len(found)
    return found


def test_the_queue_leaves_out_what_was_set_aside_unless_asked_for(api: Api) -> None:
    assert queue(api, "orderBy: SCORE") == ["r1", "r2"]
    assert queue(api, "status: [DISMISSED]") == ["r3"]
    assert queue(api, "status: [OPEN, DISMISSED]") == ["r1", "r2", "r3"]
    assert queue(api, "status: [CONFIRMED, SNOOZED]") == []
    assert queue(api, "status: []") == []


def test_every_condition_of_the_queue_holds(api: Api) -> None:
    assert queue(api, "minScore: 25.0") == ["r1"]
    assert queue(api, 'buyerId: "b5"') == ["r2"]
    assert queue(api, 'merchantId: "m3"') == []
    assert queue(api, 'merchantId: "m1", buyerId: "b1", status: [OPEN, DISMISSED]') == ["r1", "r3"]
    assert queue(api, 'since: "2100-01-01T00:00:00Z"') == []
    assert queue(api, 'since: "2000-01-01T00:00:00Z"') == ["r1", "r2"]
    assert queue(api, "run: 1") == ["r1", "r0"]


def test_a_ring_is_told_with_everything_it_is_made_of(api: Api) -> None:
    ring = api.ask(
        """{ ring(id: "r1") { id ringId runId networkId score size claims merchants why isAlive
             amount { amount currency } firstClaimAt lastClaimAt firstRunId originRingId
             run { runId state rings notes about } network { id networkId }
             status statusReason owner notes version decisions { type }
             members(first: 2) { totalCount nodes { buyerId score why buyer { buyerId orders } } }
             links(first: 5) { totalCount nodes { buyerA buyerB score why } }
             timeline { event from until merchants buyers claims }
             evidence(first: 1) { totalCount nodes { event merchantId buyerId claimId filedAt
               amount { amount currency } expected claim { kind reason status refunded { amount } } } }
             lineage { runId ringId event previousRingId common } } }"""
    )["ring"]
    assert ring["id"] == global_id("Ring", "r1")
    assert (ring["score"], ring["size"], ring["claims"], ring["merchants"]) == (30.0, 3, 6, 2)
    assert ring["amount"] == [
        {"amount": "63.00", "currency": "EUR"},
        {"amount": "500", "currency": "JPY"},
    ]
    assert ring["run"]["about"]["seed"] == 1
    assert ring["members"]["totalCount"] == 3
    assert [member["buyer"]["buyerId"] for member in ring["members"]["nodes"]] == ["b1", "b2"]
    assert ring["links"]["nodes"][0] == {"buyerA": "b1", "buyerB": "b2", "score": 29.0, "why": "together"}
    assert [(event["event"], event["merchants"], event["claims"]) for event in ring["timeline"]] == [
        (1, ["m1"], 3),
        (2, ["m2"], 3),
    ]
    (joint,) = ring["evidence"]["nodes"]
    assert joint["claim"] == {
        "kind": "REFUND_ONLY",
        "reason": "NOT_RECEIVED",
        "status": "REFUNDED",
        "refunded": {"amount": "10.50"},
    }
    assert [(step["runId"], step["ringId"], step["event"]) for step in ring["lineage"]] == [
        (1, "r1", "BORN"),
        (2, "r1", "GREW"),
        (2, "r2", "SPLIT"),
    ]
    assert (ring["status"], ring["isAlive"], ring["version"], ring["decisions"]) == ("OPEN", True, 0, [])


def test_a_ring_that_ended_is_still_told_and_its_former_findings_too(api: Api) -> None:
    ended = api.ask('{ ring(id: "r0") { runId isAlive members(first: 5) { totalCount } } }')["ring"]
    assert ended == {"runId": 1, "isAlive": False, "members": {"totalCount": 2}}
    former = api.ask('{ ring(id: "r1", run: 1) { runId size isAlive } }')["ring"]
    assert former == {"runId": 1, "size": 2, "isAlive": True}


def test_what_is_not_there_is_not_found_in_words(api: Api) -> None:
    for query in (
        '{ ring(id: "nobody") { why } }',
        '{ ring(id: "r0", run: 2) { why } }',
        '{ network(id: "n9") { runId } }',
        '{ buyer(id: "nobody") { orders } }',
        "{ run(id: 99) { state } }",
        f'{{ node(id: "{global_id("Ring", "nobody")}") {{ id }} }}',
        f'{{ node(id: "{global_id("Pony", "1")}") {{ id }} }}',
        f'{{ node(id: "{global_id("Run", "x")}") {{ id }} }}',
        f'{{ node(id: "{global_id("Run", "9" * 30)}") {{ id }} }}',
        f'{{ node(id: "{global_id("Run", "9" * 5_000)}") {{ id }} }}',
        f'{{ node(id: "{global_id("Run", "9" * 10)}") {{ id }} }}',
    ):
        status, code, message = api.refused(query)
        assert (status, code) == (200, "NOT_FOUND"), message
    assert api.refused('{ node(id: "r1") { id } }')[1] == "INVALID"


def test_every_kind_of_object_is_found_again_by_its_global_id(api: Api) -> None:
    data = api.ask(
        """{ ring(id: "r1") { id network { id } run { id } }
             buyer(id: "b1") { id claims(first: 1) { nodes { id } } } }"""
    )
    ids = {
        "Ring": data["ring"]["id"],
        "Network": data["ring"]["network"]["id"],
        "Run": data["ring"]["run"]["id"],
        "Buyer": data["buyer"]["id"],
        "Claim": data["buyer"]["claims"]["nodes"][0]["id"],
    }
    for kind, own in ids.items():
        node = api.ask("query Q($id: ID!) { node(id: $id) { __typename id } }", id=own)["node"]
        assert node == {"__typename": kind, "id": own}


def test_pages_follow_each_other_to_the_end(api: Api) -> None:
    found, after = [], None
    for place in range(3):
        page = api.ask(PAGE, after=after)["rings"]
        assert page["totalCount"] == 3
        assert page["pageInfo"]["hasPreviousPage"] == (place > 0)
        assert page["pageInfo"]["hasNextPage"] == (place < 2)
        assert page["edges"][0]["cursor"] == page["pageInfo"]["startCursor"] == page["pageInfo"]["endCursor"]
        assert page["edges"][0]["node"] == {"ringId": page["nodes"][0]["ringId"]}
        found += [ring["ringId"] for ring in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert found == ["r1", "r2", "r3"]
    last = api.ask(PAGE, after=after)["rings"]
    assert (last["nodes"], last["pageInfo"]["endCursor"]) == ([], None)


@pytest.mark.parametrize("what", ["members", "links", "evidence"])
def test_parts_of_a_ring_come_in_pages_too(api: Api, what: str) -> None:
    def page_of(ring: str) -> str:
        page = "totalCount edges { cursor } nodes { __typename } pageInfo { hasNextPage endCursor }"
        part = f"{what}(first: 1, after: $after) {{ {page} }}"
        return f'query Q($after: String) {{ ring(id: "{ring}") {{ {part} }} }}'

    after, seen, count = None, [], None
    while True:
        page = api.ask(page_of("r1"), after=after)["ring"][what]
        after, count = page["pageInfo"]["endCursor"], page["totalCount"]
        seen.append(after)
        assert page["edges"] == [{"cursor": after}]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == count
    status, code, message = api.refused(page_of("r2"), after=after)
    assert (status, code) == (200, "INVALID")
    assert "`after`" in message


def test_damaged_and_foreign_cursors_are_refused_by_name(api: Api) -> None:
    cursor = api.ask(PAGE)["rings"]["pageInfo"]["endCursor"]
    for other in ("rubbish", cursor[:-5], "", global_id("Ring", "r1")):
        status, code, message = api.refused(PAGE, after=other)
        assert (status, code) == (200, "INVALID")
        assert "`after`" in message
    status, code, message = api.refused(PAGE.replace("first: 1,", "first: 1, orderBy: SIZE,"), after=cursor)
    assert code == "INVALID"
    assert "order" in message
    assert "of run 2" in api.refused(PAGE, after=cursor, run=1)[2]


def test_cursors_that_were_tampered_with_harm_nobody(api: Api) -> None:
    runs = "query Q($after: String) { runs(first: 1, after: $after) { nodes { runId } } }"
    claims = """query Q($after: String, $buyer: ID!) {
        buyer(id: $buyer) { claims(first: 1, after: $after) { nodes { claimId } } } }"""
    assert api.ask(runs, after=write_cursor("runs", Cursor(0, Key(2.0, "x" * 9))))["runs"]["nodes"]
    for value in (1e300, 1e19, -1e19):
        for query, list_name in ((runs, "runs"), (claims, "Buyer.claims b1")):
            after = write_cursor(list_name, Cursor(0, Key(value, "9" * 30)))
            assert api.refused(query, after=after, buyer="b1")[1] == "INVALID"
    own = write_cursor("Buyer.claims b1", Cursor(0, Key(float(NOW), "c")))
    assert api.ask(claims, after=own, buyer="b1")["buyer"]["claims"]["nodes"]
    assert api.refused(claims, after=own, buyer="b2")[1] == "INVALID"


def test_a_page_stays_in_the_run_it_began_in_until_that_is_gone(tmp_path: Path) -> None:
    with open_api(tmp_path) as api:
        first = api.ask(PAGE)["rings"]
        member = api.ask('{ ring(id: "r1") { members(first: 1) { pageInfo { endCursor } } } }')
        publish_run(api.store, {"new": ("b1", "b2")}, [("new", "born", "")])
        assert [ring["ringId"] for ring in api.ask(PAGE)["rings"]["nodes"]] == ["new"]
        second = api.ask(PAGE, after=first["pageInfo"]["endCursor"])["rings"]
        assert second["nodes"] == [{"ringId": "r2", "runId": 2}]
        assert second["totalCount"] == 3
        members = (
            'query Q($after: String, $run: Int) { ring(id: "r1", run: $run) {'
            " members(first: 1, after: $after) { nodes { buyerId } } } }"
        )
        after = member["ring"]["members"]["pageInfo"]["endCursor"]
        assert api.ask(members, after=after, run=2)["ring"]["members"]["nodes"] == [{"buyerId": "b2"}]
        assert "run 2" in api.refused(members, after=after, run=1)[2]
        lease = api.store.leases.acquire(LeaseName.DETECT, Holder("host", 1, "start"), 60.0, NOW)
        api.store.rings.forget(1, lease, Silent())
        status, code, message = api.refused(PAGE, after=first["pageInfo"]["endCursor"])
        assert (status, code) == (200, "INVALID")
        assert "start anew" in message


def test_an_empty_store_has_no_rings_and_says_so_without_errors(tmp_path: Path) -> None:
    with open_api(tmp_path, filled=False) as api:
        data = api.ask("{ rings(first: 5) { totalCount nodes { ringId } } runs(first: 5) { totalCount } }")
        assert data == {"rings": {"totalCount": 0, "nodes": []}, "runs": {"totalCount": 0}}
        assert api.client.get("/readyz").json()["lastRunId"] is None
        assert api.refused('{ network(id: "n1") { runId } }')[1] == "NOT_FOUND"


def test_what_was_decided_is_told_with_its_reason_and_its_history(tmp_path: Path) -> None:
    ask = """{ ring(id: "r1") { status statusReason owner notes version
               decisions { version type by outcome text until owner evidence } } }"""
    with open_api(tmp_path) as api:
        decide(api.store, ANA, "r1", Outcome.SNOOZE, "wait", NOW + 86_400_000_000, NOW)
        note(api.store, ANA, "r1", "called them", NOW)
        assign(api.store, ANA, "r1", "bea", NOW)
        ring = api.ask(ask, Role.OPERATOR)["ring"]
        assert (ring["status"], ring["owner"], ring["notes"], ring["version"]) == ("SNOOZED", "bea", 1, 3)
        assert "wait" in ring["statusReason"]
        assert [(one["type"], one["by"], one["text"]) for one in ring["decisions"]] == [
            ("DECIDED", "ana", "wait"),
            ("NOTED", "ana", "called them"),
            ("ASSIGNED", "ana", None),
        ]
        assert ring["decisions"][0]["outcome"] == "SNOOZE"
        assert ring["decisions"][0]["evidence"] == 30.0
        assert ring["decisions"][2]["owner"] == "bea"
        undo(api.store, ANA, "r1", "enough", NOW)
        assert api.ask(ask)["ring"]["status"] == "OPEN"


def test_a_list_of_rings_is_read_at_once_whatever_is_asked_of_them(api: Api) -> None:
    ask = """{ rings(first: %d, status: [OPEN, DISMISSED]) { nodes {
        why status statusReason owner version isAlive run { runId } amount { amount }
        members(first: 10) { nodes { buyerId why } } links(first: 10) { nodes { why } }
        timeline { event } evidence(first: 10) { nodes { claimId } } lineage { event } } } }"""
    counts = []
    for size in (2, 3):
        api.calls.clear()
        assert len(api.ask(ask % size)["rings"]["nodes"]) == size
        counts.append(
            {verb: number for verb, number in api.calls.items() if verb.split(".")[0] in ("rings", "market")}
        )
    assert counts[0] == counts[1]
    assert sum(counts[1].values()) <= 12


def test_a_network_tells_its_rings_and_a_buyer_theirs(api: Api) -> None:
    network = api.ask('{ network(id: "n1") { runId rings(first: 5) { totalCount nodes { ringId } } } }')
    assert [ring["ringId"] for ring in network["network"]["rings"]["nodes"]] == ["r1", "r2"]
    buyer = api.ask(
        '{ buyer(id: "b1") { score rings(first: 5) { nodes { ringId } } links(first: 1) { buyerB } } }'
    )
    assert [ring["ringId"] for ring in buyer["buyer"]["rings"]["nodes"]] == ["r1", "r3"]
    assert buyer["buyer"]["links"] == [{"buyerB": "b2"}]
    assert buyer["buyer"]["score"] > 0.8
    assert api.ask('{ buyer(id: "quiet") { score orders firstClaimAt } }')["buyer"] == {
        "score": None,
        "orders": 1,
        "firstClaimAt": None,
    }


def test_runs_come_latest_first_in_pages(api: Api) -> None:
    ask = (
        "query Q($after: String) { runs(first: 1, after: $after, state: PUBLISHED) {"
        " totalCount nodes { runId } pageInfo { endCursor hasNextPage } } }"
    )
    first = api.ask(ask, Role.JOB)["runs"]
    assert (first["totalCount"], first["nodes"]) == (2, [{"runId": 2}])
    second = api.ask(ask, Role.JOB, after=first["pageInfo"]["endCursor"])["runs"]
    assert (second["nodes"], second["pageInfo"]["hasNextPage"]) == ([{"runId": 1}], False)


def test_a_path_between_buyers_is_told_with_reasons(api: Api) -> None:
    ask = """query P($to: ID!, $hops: Int) { path(from: "b2", to: $to, hops: $hops) {
        lookedAt isCutOff steps { fromBuyerId toBuyerId kind via score reason } } }"""
    told = api.ask(ask, to="b6")["path"]
    steps = told["steps"]
    assert [(step["fromBuyerId"], step["toBuyerId"]) for step in steps][-1][1] == "b6"
    assert steps[0]["fromBuyerId"] == "b2"
    assert all(step["reason"] for step in steps)
    assert not told["isCutOff"]
    assert api.refused(ask, to="nobody")[1] == "NOT_FOUND"
    assert api.refused(ask, to="b2")[1] == "INVALID"
    assert api.refused(ask, to="b6", hops=7)[1] == "INVALID"
