"""`ringfence verifications`: the platform's checks of buyers, and what people decide in them."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.hints import pasteable
from ringfence.cli.moments import as_text
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.buyers import ReportRef
from ringfence.domain.errors import InvalidError
from ringfence.domain.scope import Role
from ringfence.domain.verifications import VerificationOutcome, VerificationState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.domain.records import Event
    from ringfence.domain.verifications import Verification

_SHOWN = 10
"""So many buyers are named whom reports brought to be verified."""

commands = typer.Typer(help="Verify buyers: list, open, decide, appeal against and reopen verifications.")

_Id = Annotated[str, typer.Argument(metavar="VERIFICATION", help="The verification's id.")]
_Reason = Annotated[str, typer.Option(help="Why; whoever looks later reads it.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Seen = Annotated[
    int | None,
    typer.Option(
        "--seen",
        metavar="VERSION",
        min=0,
        help="The version you saw (verifications show tells it): fail if others changed it since.",
    ),
]


@commands.callback(invoke_without_command=True)
def _verifications(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="[OPTIONS]")
def list_all(
    context: typer.Context,
    state: Annotated[
        VerificationState | None,
        typer.Option(metavar="STATE", help="Only open, proposed, confirmed, rejected or inconclusive ones."),
    ] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Only those given to them.")] = None,
    buyer: Annotated[str | None, typer.Option(metavar="BUYER_ID", help="Only those of this buyer.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many verifications.")] = 50,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """List verifications, newest first.

    Example: ringfence verifications list --state open
    """
    from ringfence.services.verify_buyers import list_verifications

    principal = acting(acting_as, Role.OPERATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, buyer) as subjects:
        page = list_verifications(opened, principal, limit, state=state, owner=owner, buyer_id=buyer)
        for each in page.items:
            subjects |= {each.verification_id, each.buyer_id}
    if as_json:
        print_json([_shown(verification) for verification in page.items])
        return
    if not page.items:
        print_lines("No verifications.")
        return
    print_table(
        f"{len(page.items):,} of {page.total:,} verifications, newest first",
        ("verification", "buyer", "state", "owner", "opened at", "claims", "reports", "because"),
        [
            (
                verification.verification_id,
                verification.buyer_id,
                verification.state.value,
                verification.owner or "",
                as_text(verification.opened_at),
                len(verification.file.claims),
                len(verification.file.reports),
                verification.because,
            )
            for verification in page.items
        ],
        spare=("claims", "reports", "opened at"),
    )


@commands.command("show", options_metavar="[OPTIONS]")
def show(
    context: typer.Context,
    verification: _Id,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Show a verification: its file, and all that happened in it.

    Example: ringfence verifications show v0123456789ab
    """
    from ringfence.services.verify_buyers import find_verification, verification_history

    principal = acting(acting_as, Role.OPERATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, verification) as subjects:
        with opened.snapshot():
            found = find_verification(opened, principal, verification)
            events = verification_history(opened, principal, verification)
        subjects |= {found.buyer_id, *(link.buyer_id for link in found.file.links)}
        subjects |= {ReportRef.of_name(name).report_id for name in found.file.reports}
        if found.file.ring_id is not None:
            subjects.add(found.file.ring_id)
    if as_json:
        print_json(
            _shown(found)
            | {
                "history": [
                    {"version": version, "at": as_text(event.at), "by": event.actor, "event": event.type}
                    | dict(event.data)
                    for version, event in enumerate(events, 1)
                ]
            }
        )
        return
    file = found.file
    ring = f"ring {file.ring_id} of run {file.run_id}" if file.ring_id is not None else "no ring"
    print_lines(
        f"{found.verification_id} of buyer {found.buyer_id} is {found.state} (version {found.version})",
        f"Because: {found.because}",
        f"Owner: {found.owner or 'nobody'}",
        f"Claims: {', '.join(file.claims) or 'none'}",
        f"Reports: {', '.join(file.reports) or 'none'}",
        f"Reporting merchants: {', '.join(file.merchants) or 'none'}",
        f"In {ring}, with {len(file.links):,} links to others",
        "",
    )
    if file.links:
        print_table(
            "Links",
            ("buyer", "evidence", "why"),
            [(link.buyer_id, f"{link.score:.1f}", link.why) for link in file.links],
        )
        print_lines("")
    print_table(
        "What happened, oldest first",
        ("version", "at", "by", "what"),
        [
            (version, as_text(event.at), event.actor, _in_words(event))
            for version, event in enumerate(events, 1)
        ],
    )


@commands.command("open", options_metavar="--because TEXT [OPTIONS]")
def open_one(
    context: typer.Context,
    buyer: Annotated[str, typer.Argument(metavar="BUYER", help="The buyer's id.")],
    because: Annotated[str, typer.Option(help="Why; whoever looks later reads it.")],
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Begin to verify a buyer, with all there is about them on file.

    Example: ringfence verifications open b42 --because "a call from m7"
    """
    from ringfence.services import verify_buyers

    rules, principal = chosen_policy(context, policy), acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, buyer) as subjects:
        made = verify_buyers.open_verification(opened, principal, buyer, because, rules, clock())
        subjects.add(made.verification_id)
    _tell(made, as_json)


@commands.command("assign", options_metavar="[--nobody] [OPTIONS]")
def assign(
    context: typer.Context,
    verification: _Id,
    owner: Annotated[str | None, typer.Argument(metavar="OWNER", help="Who answers for it.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Take it from whoever has it.")] = False,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Give a verification to somebody.

    Example: ringfence verifications assign v0123456789ab ana
    """
    from ringfence.services import verify_buyers

    if (owner is None) is not nobody:
        raise InvalidError("name an owner, or say --nobody")
    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, verification) as subjects:
        changed = verify_buyers.assign(opened, principal, verification, owner, clock(), seen)
        subjects.add(changed.buyer_id)
    _tell(changed, as_json)


@commands.command("note", options_metavar="[OPTIONS]")
def note(
    context: typer.Context,
    verification: _Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")],
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Write a note about a verification.

    Example: ringfence verifications note v0123456789ab "m7 sent photos"
    """
    from ringfence.services import verify_buyers

    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, verification) as subjects:
        changed = verify_buyers.note(opened, principal, verification, text, clock())
        subjects.add(changed.buyer_id)
    _tell(changed, as_json)


@commands.command("decide", options_metavar="--reason TEXT [OPTIONS]")
def decide(
    context: typer.Context,
    verification: _Id,
    outcome: Annotated[
        VerificationOutcome,
        typer.Argument(metavar="OUTCOME", help="confirmed, rejected or inconclusive."),
    ],
    reason: _Reason,
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Say how a verification ends; two people must say so where the policy wants it.

    Confirmed, it proposes recoveries to the merchants. Otherwise what was
    proposed before is refused; rejected, what was paid is asked back.

    Example: ringfence verifications decide v0123456789ab rejected --reason "kin"
    """
    from ringfence.services.verify_buyers import decide_verification

    rules, principal = chosen_policy(context, policy), acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, verification) as subjects:
        changed = decide_verification(opened, principal, verification, outcome, reason, rules, clock(), seen)
        subjects.add(changed.buyer_id)
    _tell(changed, as_json)


@commands.command("appeal", options_metavar="--reason TEXT [OPTIONS]")
def appeal(
    context: typer.Context,
    verification: _Id,
    reason: _Reason,
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Appeal on the buyer's behalf against being confirmed: it is open again.

    Example: ringfence verifications appeal v0123456789ab --reason "not me"
    """
    from ringfence.services import verify_buyers

    rules, principal = chosen_policy(context, policy), acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, verification) as subjects:
        changed = verify_buyers.appeal(opened, principal, verification, reason, rules, clock(), seen)
        subjects.add(changed.buyer_id)
    _tell(changed, as_json)


@commands.command("reopen", options_metavar="--because TEXT [OPTIONS]")
def reopen(
    context: typer.Context,
    verification: _Id,
    because: Annotated[str, typer.Option(help="What is new; whoever looks later reads it.")],
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Open a verification again, on new evidence.

    Example: ringfence verifications reopen v0123456789ab --because "a witness"
    """
    from ringfence.services import verify_buyers

    rules, principal = chosen_policy(context, policy), acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, verification) as subjects:
        changed = verify_buyers.reopen(opened, principal, verification, because, rules, clock(), seen)
        subjects.add(changed.buyer_id)
    _tell(changed, as_json)


def _in_words(event: "Event") -> str:
    data = event.data
    match event.type:
        case "opened" | "reopened":
            return f"{event.type}: {data['because']}"
        case "proposed":
            return f"proposed {data['outcome']}: {data['reason']}"
        case "decided":
            agreed = f", as {data['proposed_by']} proposed" if data["proposed_by"] is not None else ""
            return f"{data['outcome']}{agreed}: {data['reason']}"
        case "appealed":
            return f"appeal: {data['reason']}"
        case "noted":
            return f"note: {data['text']}"
        case _:
            return f"owner: {data['owner'] or 'nobody'}"


def _shown(verification: "Verification") -> dict[str, Any]:
    told = verification.to_state()
    proposal = verification.proposal
    return told | {
        "verification_id": verification.verification_id,
        "opened_at": as_text(verification.opened_at),
        "last_at": as_text(verification.last_at),
        "proposal": None if proposal is None else asdict(proposal) | {"at": as_text(proposal.at)},
        "verdicts": [asdict(verdict) | {"at": as_text(verdict.at)} for verdict in verification.verdicts],
    }


def _tell(verification: "Verification", as_json: bool) -> None:
    if as_json:
        print_json(_shown(verification))
        return
    proposal, stands = verification.proposal, str(verification.verdict or verification.state)
    if proposal is not None:
        stands = f"{proposal.outcome} is proposed by {proposal.by} and waits for somebody else to agree"
    owner = f"; {verification.owner} answers for it" if verification.owner is not None else ""
    print_lines(
        f"{verification.verification_id} of buyer {verification.buyer_id}: {stands}{owner} "
        f"(version {verification.version})"
    )


def tell_opened(context: typer.Context, opened: "Sequence[Verification]") -> None:
    """Say that reports opened verifications, if they did."""
    if opened:
        buyers = ", ".join(verification.buyer_id for verification in opened[:_SHOWN])
        more = f" and {len(opened) - _SHOWN:,} more" if len(opened) > _SHOWN else ""
        print_lines(
            f"To be verified, because of merchants' reports: {buyers}{more} "
            f"({pasteable(context, 'ringfence verifications list')})."
        )
