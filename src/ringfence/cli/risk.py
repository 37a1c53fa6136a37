"""`ringfence risk`: how much of a risk a buyer is, and why."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.moments import as_moment, as_text, read_moment
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.risk import Language
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.domain.risk import BuyerRisk


def risk(
    context: typer.Context,
    buyer: Annotated[str, typer.Argument(metavar="BUYER_ID", help="The buyer's id.")],
    as_of: Annotated[
        datetime | None,
        typer.Option(
            parser=read_moment,
            metavar="DATE",
            help="Answer with what was known then, UTC if no zone is given.",
        ),
    ] = None,
    language: Annotated[
        Language, typer.Option(metavar="LANGUAGE", help="In which language reasons are told.")
    ] = Language.ENGLISH,
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a buyer's risk: the band, the probability of abuse, and each signal with what would lower it.

    Example: ringfence risk b000042 --as-of 2026-11-11
    """
    from ringfence.services.buyer_risk import buyer_risk

    in_force, principal = chosen_policy(context, policy), acting(acting_as, Role.OPERATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, buyer) as subjects:
        told = buyer_risk(opened, principal, buyer, in_force, clock(), as_moment(as_of), language)
        if told.verification_id is not None:
            subjects.add(told.verification_id)
    if as_json:
        print_json(_shown(told))
    else:
        _print(told)


def _shown(told: "BuyerRisk") -> dict[str, Any]:
    return asdict(told) | {"as_of": as_text(told.as_of)}


def _print(told: "BuyerRisk") -> None:
    rests = f", by verification {told.verification_id}" if told.verification_id is not None else ""
    print_lines(
        f"{told.buyer_id}: {told.band.value.upper()}{rests}; {told.probability:.1%} likely to abuse refunds"
    )
    worked_out = f"with run {told.run_id}" if told.run_id else "before any run"
    print_lines(f"as of {as_text(told.as_of)} {worked_out}, by policy {told.policy}")
    if not told.readings:
        print_lines("No signal says anything of this buyer.")
        return
    print_lines("")
    print_table(
        "Signals, strongest first (in decades: each one makes the odds ten times as large)",
        ("signal", "decades", "because", "what would lower it"),
        [
            (reading.signal, f"{reading.weight:+.2f}", reading.reason, reading.would_lower or "")
            for reading in told.readings
        ],
        spare=("what would lower it",),
    )
