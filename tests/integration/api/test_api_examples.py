"""The examples of the page, each as the kind of user it is for."""

import re
from pathlib import Path
from typing import Any

import pytest
from api_samples import VERIFICATION, Api, publish_run
from case_market import Cases

from ringfence.api.graphiql_page import example_queries
from ringfence.domain.recoveries import recovery_id_of
from ringfence.domain.scope import Role
from ringfence.domain.verifications import verification_id_of

EXAMPLES = example_queries()
README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
WHO = {"# As a merchant: ": Role.MERCHANT, "# As a job: ": Role.JOB}


def role_of(name: str) -> Role:
    text = EXAMPLES[name]
    return next((role for words, role in WHO.items() if text.startswith(words)), Role.INVESTIGATOR)


@pytest.mark.parametrize("name", [name for name, text in EXAMPLES.items() if "\nquery" in text])
def test_every_example_of_a_query_runs(api: Api, name: str) -> None:
    api.ask('{ buyer(id: "b1") { orders } }')
    data = api.ask(
        EXAMPLES[name],
        role_of(name),
        ring="r1",
        buyer="b1",
        other="b5",
        buyers=["b1", "nobody"],
        merchant="m1",
        month="2026-05",
        verification=VERIFICATION,
    )
    assert all(data.values())
    for each in data.values():
        assert each.get("nodes", [1]) if isinstance(each, dict) else each[0]


def test_the_examples_of_changes_tell_how_a_case_goes(cases: Cases, buyer: str) -> None:
    told = []

    def change(who: str, name: str, **given: Any) -> Any:
        roles = {"m1": Role.MERCHANT, "order system": Role.JOB}
        assert roles.get(who, Role.INVESTIGATOR) == role_of(name)
        (payload,) = cases.ask(who, EXAMPLES[name], reason="because", **given).values()
        assert payload.pop("userErrors") == []
        told.append(name)
        return next(iter(payload.values()))

    filed = change("m1", "ReportBuyer", buyer=buyer, claim=f"{buyer}-a", evidence=2)
    change("order system", "FileReportOf", merchant="m2", buyer=buyer, report=f"import {buyer}")
    verification = verification_id_of(buyer, 1)
    change("ana", "TakeVerification", verification=verification, owner="ana")
    change("ana", "NoteAboutVerification", verification=verification, text="called them")

    def decide(outcome: str, *people: str) -> Any:
        for who in people:
            state = change(who, "DecideVerification", verification=verification, outcome=outcome)["state"]
        return state

    assert decide("CONFIRMED", "ana", "bo") == "CONFIRMED"
    recovery = recovery_id_of(verification, "m1")
    change("ana", "ApproveRecovery", recovery=recovery)
    change("ana", "PayClaim", recovery=recovery, claim=f"{buyer}-a", reference="bank 1")
    change("m1", "DisputeOurRecovery", recovery=recovery)
    assert change("order system", "AppealForBuyer", verification=verification)["state"] == "OPEN"
    assert decide("REJECTED", "bo") == "REJECTED"
    change("ana", "ReturnClaim", recovery=recovery, claim=f"{buyer}-a", reference="bank 2")
    change("m1", "DisputeOurReport", report=filed["reportId"])
    change("ana", "ReopenVerification", verification=verification)
    assert decide("CONFIRMED", "bo", "ana") == "CONFIRMED"
    change("ana", "RefuseRecovery", recovery=recovery_id_of(verification, "m2"))
    change("m1", "WithdrawOurReport", report=filed["reportId"])
    change("ana", "OpenVerification", buyer=next(cases.unused))
    change("order system", "AskForRun")
    others = {name for name, text in EXAMPLES.items() if "\nmutation" in text and "ringId: $ring" not in text}
    assert set(told) == others


def test_the_queries_of_the_readme_run_in_their_order(cases: Cases, buyer: str) -> None:
    publish_run(cases.api.store, {"r35ffe95265a7": (buyer, next(cases.unused))}, [])
    take = EXAMPLES["TakeRing"]
    for owner in ("ana", "bo"):
        cases.ask("ana", take, ring="r35ffe95265a7", owner=owner)
    verification = verification_id_of(buyer, 1)
    cases.ask("ana", EXAMPLES["OpenVerification"], buyer=buyer, reason="reported by phone")
    people = {"OurBuyer": ["m1"], "ReportBuyer": ["m1"], "Confirm": ["ana", "bo"], "Appeal": ["order system"]}
    shown = re.findall(r"```graphql\n(\w+ (\w+) .+?)```", README, re.DOTALL)
    assert set(people) < {name for _, name in shown}
    for text, name in shown:
        for who in people.get(name, ["ana"]):
            written = text.replace("b104", buyer).replace("v0123456789ab", verification)
            (told,) = cases.ask(who, written).values()
            assert told.get("userErrors", []) == []
            assert told != {}
