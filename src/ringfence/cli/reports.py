"""`ringfence reports`: what merchants report about buyers."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.moments import as_moment, as_text, read_moment
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.cli.verifications import tell_opened
from ringfence.domain.scope import Principal, Role

if TYPE_CHECKING:
    from ringfence.domain.buyers import Report
    from ringfence.domain.reports import ReportStanding

commands = typer.Typer(help="File, withdraw and dispute merchants' reports of buyers, and list them.")

_Report = Annotated[str, typer.Argument(metavar="REPORT", help="The report's id, the merchant's own.")]
_Merchant = Annotated[str, typer.Option(metavar="MERCHANT_ID", help="The merchant who reports.")]
_SeenBy = Annotated[
    str | None, typer.Option("--merchant", metavar="MERCHANT_ID", help="Only what this merchant may see.")
]
_Whose = Annotated[
    str | None,
    typer.Option(
        "--merchant",
        metavar="MERCHANT_ID",
        help="Whose report it is, where several merchants have one of that id.",
    ),
]
_Reason = Annotated[str, typer.Option(help="Why; whoever looks later reads it.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.callback(invoke_without_command=True)
def _reports(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("file", options_metavar="--merchant MERCHANT_ID --buyer BUYER_ID [OPTIONS]")
def file(
    context: typer.Context,
    merchant: _Merchant,
    buyer: Annotated[str, typer.Option(metavar="BUYER_ID", help="The buyer who is reported.")],
    claim: Annotated[
        str | None, typer.Option(metavar="CLAIM_ID", help="The buyer's claim that it is about.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="What the buyer did.")] = None,
    evidence: Annotated[
        int | None, typer.Option(metavar="N", help="How many pieces of evidence there are.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=read_moment,
            metavar="DATE",
            help="When the merchant reported, UTC if no zone is given; now if not told.",
        ),
    ] = None,
    report_id: Annotated[
        str | None, typer.Option("--id", metavar="REPORT_ID", help="The report's id; made if not told.")
    ] = None,
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """File a merchant's report of a buyer; the same again changes nothing.

    Many at once are loaded from files: ringfence load.

    Example: ringfence reports file --merchant m7 --buyer b42 --reason "empty box"
    """
    from ringfence.services.report_buyers import file_report

    rules, principal = chosen_policy(context, policy), _reporter(acting_as, merchant)
    asked = (merchant, buyer, claim, report_id)
    with open_store(context, store) as opened, audited(context, opened, principal, *asked) as subjects:
        filing = file_report(
            opened,
            principal,
            buyer,
            rules,
            clock(),
            report_id=report_id,
            reported_at=as_moment(at),
            claim_id=claim,
            reason=reason,
            evidence_count=evidence,
        )
        subjects |= _subjects(filing.report)
        if filing.opened is not None:
            subjects.add(filing.opened.verification_id)
    if as_json:
        opened_id = filing.opened.verification_id if filing.opened is not None else None
        print_json(_shown(filing.report) | {"is_new": filing.is_new, "opened": opened_id})
        return
    report = filing.report
    became = "is filed" if filing.is_new else "was filed before; nothing changed"
    print_lines(f"Report {report.report_id} of buyer {report.buyer_id} {became}.")
    tell_opened(context, () if filing.opened is None else (filing.opened,))


@commands.command("list", options_metavar="[OPTIONS]")
def list_all(
    context: typer.Context,
    merchant: _SeenBy = None,
    buyer: Annotated[str | None, typer.Option(metavar="BUYER_ID", help="Only reports of this buyer.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many reports.")] = 50,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """List reports and what became of them, latest first.

    Example: ringfence reports list --buyer b42
    """
    from ringfence.services.report_buyers import list_reports

    principal = _reader(acting_as, merchant)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, merchant, buyer) as subjects,
    ):
        page = list_reports(opened, principal, limit, None, clock(), buyer)
        for each in page.items:
            subjects |= _subjects(each.report)
    if as_json:
        print_json([_standing(each) for each in page.items])
        return
    if not page.items:
        print_lines("No reports.")
        return
    print_table(
        f"{len(page.items):,} of {page.total:,} reports, latest first",
        ("report", "merchant", "buyer", "at", "claim", "evidence", "status", "reason"),
        [
            (
                each.report.report_id,
                each.report.merchant_id,
                each.report.buyer_id,
                as_text(each.report.reported_at),
                each.report.claim_id or "",
                "" if each.report.evidence_count is None else each.report.evidence_count,
                each.record.status.value,
                each.report.reason or "",
            )
            for each in page.items
        ],
        spare=("evidence", "claim"),
    )


@commands.command("show", options_metavar="[OPTIONS]")
def show(
    context: typer.Context,
    report: _Report,
    merchant: _Whose = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Show one report and what became of it.

    Example: ringfence reports show r0123456789ab --merchant m7
    """
    from ringfence.services.report_buyers import find_report

    principal = _reader(acting_as, None)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, report, merchant) as subjects,
    ):
        found = find_report(opened, principal, report, clock(), merchant)
        subjects |= _subjects(found.report)
    _tell(found, as_json)


@commands.command("withdraw", options_metavar="--merchant MERCHANT_ID --reason TEXT [OPTIONS]")
def withdraw(
    context: typer.Context,
    report: _Report,
    merchant: _Merchant,
    reason: _Reason,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Take a merchant's report back, for good: it counts nowhere any more.

    Example: ringfence reports withdraw r0123456789ab --merchant m7 --reason mistaken
    """
    from ringfence.services.report_buyers import withdraw_report

    principal = _reporter(acting_as, merchant)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, report, merchant) as subjects,
    ):
        standing = withdraw_report(opened, principal, report, reason, clock())
        subjects |= _subjects(standing.report)
    _tell(standing, as_json)


@commands.command("dispute", options_metavar="--merchant MERCHANT_ID --reason TEXT [OPTIONS]")
def dispute(
    context: typer.Context,
    report: _Report,
    merchant: _Merchant,
    reason: _Reason,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Disagree with a verification that ended as rejected or inconclusive.

    People read it, and may open the verification again.

    Example: ringfence reports dispute r0123456789ab --merchant m7 --reason "a photo"
    """
    from ringfence.services.report_buyers import dispute_report

    principal = _reporter(acting_as, merchant)
    with (
        open_store(context, store) as opened,
        audited(context, opened, principal, report, merchant) as subjects,
    ):
        standing = dispute_report(opened, principal, report, reason, clock())
        subjects |= _subjects(standing.report)
    _tell(standing, as_json)


def _reporter(acting_as: str | None, merchant: str) -> Principal:
    return replace(acting(acting_as, Role.MERCHANT), merchant_id=merchant)


def _reader(acting_as: str | None, merchant: str | None) -> Principal:
    return acting(acting_as, Role.OPERATOR) if merchant is None else _reporter(acting_as, merchant)


def _subjects(report: "Report") -> set[str]:
    return {report.report_id, report.buyer_id}


def _tell(standing: "ReportStanding", as_json: bool) -> None:
    if as_json:
        print_json(_standing(standing))
        return
    report = standing.report
    about = f" about claim {report.claim_id}" if report.claim_id is not None else ""
    pieces = f"{report.evidence_count:,}" if report.evidence_count is not None else "not told"
    print_lines(
        f"Report {report.report_id} of buyer {report.buyer_id} by merchant {report.merchant_id}{about}",
        f"At: {as_text(report.reported_at)}",
        f"Reason: {report.reason or 'not told'}",
        f"Pieces of evidence: {pieces}",
        f"Status: {standing.record.because or standing.record.status}",
    )


def _standing(standing: "ReportStanding") -> dict[str, Any]:
    record = standing.record
    became = {"status": record.status.value, "because": record.because, "version": standing.version}
    return _shown(standing.report) | became


def _shown(report: "Report") -> dict[str, Any]:
    return asdict(report) | {"reported_at": as_text(report.reported_at)}
