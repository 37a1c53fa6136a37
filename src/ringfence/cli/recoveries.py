"""`ringfence recoveries`: what merchants are given back, and their monthly statements."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.moments import as_text
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.currencies import amount_text
from ringfence.domain.errors import InvalidError
from ringfence.domain.recoveries import RecoveryState
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.domain.records import Event
    from ringfence.domain.recoveries import Recovery

commands = typer.Typer(help="Give merchants back what confirmed buyers cost them, and write statements.")

_Id = Annotated[str, typer.Argument(metavar="RECOVERY", help="The recovery's id.")]
_Claim = Annotated[str, typer.Argument(metavar="CLAIM", help="The claim's id.")]
_Reason = Annotated[str, typer.Option(help="Why; whoever looks later reads it.")]
_Reference = Annotated[str, typer.Option(help="What names the payment in the books.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Seen = Annotated[
    int | None,
    typer.Option(
        "--seen",
        metavar="VERSION",
        min=0,
        help="The version you saw (recoveries show tells it): fail if others changed it since.",
    ),
]


@commands.callback(invoke_without_command=True)
def _recoveries(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="[OPTIONS]")
def list_all(
    context: typer.Context,
    merchant: Annotated[str | None, typer.Option(metavar="MERCHANT_ID", help="Only this merchant's.")] = None,
    buyer: Annotated[str | None, typer.Option(metavar="BUYER_ID", help="Only this buyer's.")] = None,
    verification: Annotated[
        str | None, typer.Option(metavar="VERIFICATION", help="Only those of this verification.")
    ] = None,
    state: Annotated[
        RecoveryState | None,
        typer.Option(
            metavar="STATE",
            help="Only those with a claim that is proposed, approved, paid, refused or returned.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many recoveries.")] = 50,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """List recoveries, latest first.

    Example: ringfence recoveries list --state proposed
    """
    from ringfence.services.recover_losses import list_recoveries

    principal, asked = acting(acting_as, Role.OPERATOR), (merchant, buyer, verification)
    with open_store(context, store) as opened, audited(context, opened, principal, *asked) as subjects:
        page = list_recoveries(
            opened,
            principal,
            limit,
            verification_id=verification,
            merchant_id=merchant,
            buyer_id=buyer,
            state=state,
        )
        for each in page.items:
            subjects |= _subjects(each)
    if as_json:
        print_json([_shown(recovery) for recovery in page.items])
        return
    if not page.items:
        print_lines("No recoveries.")
        return
    print_table(
        f"{len(page.items):,} of {page.total:,} recoveries, latest first",
        ("recovery", "merchant", "buyer", "verification", "claims", "amounts", "disputed"),
        [
            (
                recovery.recovery_id,
                recovery.merchant_id,
                recovery.buyer_id,
                recovery.verification_id,
                len(recovery.claims),
                _amounts(recovery),
                "yes" if recovery.is_disputed else "",
            )
            for recovery in page.items
        ],
        spare=("verification", "claims"),
    )


@commands.command("show", options_metavar="[OPTIONS]")
def show(
    context: typer.Context,
    recovery: _Id,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Show a recovery: its claims, and all that happened to it.

    Example: ringfence recoveries show c0123456789ab
    """
    from ringfence.services.recover_losses import find_recovery, recovery_history

    principal = acting(acting_as, Role.OPERATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, recovery) as subjects:
        with opened.snapshot():
            found = find_recovery(opened, principal, recovery)
            events = recovery_history(opened, principal, recovery)
        subjects |= _subjects(found)
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
    print_lines(
        f"{found.recovery_id} for merchant {found.merchant_id} (version {found.version})",
        f"After verification {found.verification_id} of buyer {found.buyer_id}; the {found.payer} pays",
        *["The merchant disputes it."] * found.is_disputed,
        "",
    )
    print_table(
        "Claims",
        ("claim", "lost", "given back", "state"),
        [
            (
                claim.claim_id,
                amount_text(claim.lost, claim.currency),
                amount_text(claim.amount, claim.currency),
                f"{claim.state}, due back" if claim.is_due_back else claim.state.value,
            )
            for claim in found.claims
        ],
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


@commands.command("approve", options_metavar="--reason TEXT [OPTIONS]")
def approve(
    context: typer.Context,
    recovery: _Id,
    reason: _Reason,
    claim: Annotated[
        list[str] | None,
        typer.Option(metavar="CLAIM_ID", help="Only this claim; may be given again. All if not told."),
    ] = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Agree to pay what is proposed for claims.

    Example: ringfence recoveries approve c0123456789ab --reason "as refunded"
    """
    from ringfence.services import recover_losses

    principal = acting(acting_as, Role.INVESTIGATOR)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, recovery, *(claim or ())) as subjects,
    ):
        changed = recover_losses.approve(opened, principal, recovery, claim or None, reason, clock(), seen)
        subjects |= _subjects(changed)
    _tell(changed, as_json)


@commands.command("refuse", options_metavar="--reason TEXT [OPTIONS]")
def refuse(
    context: typer.Context,
    recovery: _Id,
    reason: _Reason,
    claim: Annotated[
        list[str] | None,
        typer.Option(metavar="CLAIM_ID", help="Only this claim; may be given again. All if not told."),
    ] = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Decide not to pay what is proposed or approved for claims.

    Example: ringfence recoveries refuse c0123456789ab --reason "insured"
    """
    from ringfence.services import recover_losses

    principal = acting(acting_as, Role.INVESTIGATOR)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, recovery, *(claim or ())) as subjects,
    ):
        changed = recover_losses.refuse(opened, principal, recovery, claim or None, reason, clock(), seen)
        subjects |= _subjects(changed)
    _tell(changed, as_json)


@commands.command("pay", options_metavar="--reference TEXT [OPTIONS]")
def pay(
    context: typer.Context,
    recovery: _Id,
    claim: _Claim,
    reference: _Reference,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Record that the merchant was paid what was approved for a claim.

    Example: ringfence recoveries pay c0123456789ab c1 --reference "bank 7"
    """
    from ringfence.services import recover_losses

    principal = acting(acting_as, Role.INVESTIGATOR)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, recovery, claim) as subjects,
    ):
        changed = recover_losses.pay(opened, principal, recovery, claim, reference, clock(), seen)
        subjects |= _subjects(changed)
    _tell(changed, as_json)


@commands.command("return", options_metavar="--reference TEXT [OPTIONS]")
def give_back(
    context: typer.Context,
    recovery: _Id,
    claim: _Claim,
    reference: _Reference,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Record that the merchant gave back what it was paid for a claim.

    Example: ringfence recoveries return c0123456789ab c1 --reference "bank 8"
    """
    from ringfence.services import recover_losses

    principal = acting(acting_as, Role.INVESTIGATOR)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, recovery, claim) as subjects,
    ):
        changed = recover_losses.give_back(opened, principal, recovery, claim, reference, clock(), seen)
        subjects |= _subjects(changed)
    _tell(changed, as_json)


@commands.command("statement", options_metavar="[OPTIONS]")
def statement(
    context: typer.Context,
    merchant: Annotated[str, typer.Argument(metavar="MERCHANT", help="The merchant's id.")],
    month: Annotated[str, typer.Argument(metavar="MONTH", help="As 2027-01, in UTC.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Tell a merchant every cent that it was paid or gave back in a month.

    Example: ringfence recoveries statement m7 2027-01 --csv > m7.csv
    """
    from ringfence.export.statement import statement_as_csv, statement_as_document
    from ringfence.services import tell_statements

    if as_csv and as_json:
        raise InvalidError("say --csv or --json, not both")
    principal = acting(acting_as, Role.OPERATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, merchant) as subjects:
        told = tell_statements.statement(opened, principal, merchant, month, clock())
        for line in told.lines:
            subjects |= {line.recovery_id, line.verification_id}
    if as_csv:
        typer.echo(statement_as_csv(told), nl=False)
        return
    if as_json:
        print_json(statement_as_document(told))
        return
    if not told.lines:
        print_lines(f"Nothing was paid to merchant {merchant} or returned by it in {month}.")
        return
    print_table(
        f"Merchant {merchant}, {month}{'' if told.is_complete else ' so far'}",
        ("date", "what", "claim", "amount", "reference", "verification"),
        [
            (
                as_text(line.move.at),
                line.move.kind.value,
                line.move.claim_id,
                amount_text(line.move.amount, line.move.currency),
                line.move.reference,
                line.verification_id,
            )
            for line in told.lines
        ],
        spare=("verification",),
    )
    print_lines(
        *(
            f"Total: paid {amount_text(total.paid, currency)}, returned "
            f"{amount_text(total.returned, currency)}, net {amount_text(total.net, currency)}"
            for currency, total in told.totals().items()
        )
    )


def _subjects(recovery: "Recovery") -> set[str]:
    return {recovery.recovery_id, recovery.buyer_id, recovery.verification_id}


def _in_words(event: "Event") -> str:
    data = event.data
    match event.type:
        case "proposed":
            return f"proposed: {', '.join(claim['claim_id'] for claim in data['claims'])}"
        case "paid" | "returned":
            amount = amount_text(data["amount"], data["currency"])
            return f"{event.type} {amount} for {data['claim_id']} ({data['reference']})"
        case "disputed":
            return f"disputed: {data['reason']}"
        case _:
            what = event.type.replace("_", " ")
            return f"{what}: {', '.join(data['claim_ids'])} (reason: {data['reason']})"


def _amounts(recovery: "Recovery") -> str:
    return "; ".join(
        f"{amount_text(amount, currency)} {state}"
        for currency, by_state in sorted(recovery.totals().items())
        for state, amount in sorted(by_state.items())
    )


def _shown(recovery: "Recovery") -> dict[str, Any]:
    told = recovery.to_state()
    for move in told["moves"]:
        move["at"] = as_text(move["at"])
    return told | {
        "recovery_id": recovery.recovery_id,
        "proposed_at": as_text(recovery.proposed_at),
        "last_at": as_text(recovery.last_at),
        "totals": recovery.totals(),
    }


def _tell(recovery: "Recovery", as_json: bool) -> None:
    if as_json:
        print_json(_shown(recovery))
        return
    print_lines(
        f"{recovery.recovery_id} for merchant {recovery.merchant_id}: {_amounts(recovery)} "
        f"(version {recovery.version})"
    )
