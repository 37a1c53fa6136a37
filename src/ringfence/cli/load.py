"""`ringfence load`: files into the store."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, address_of, open_store, settings_of, stores_of
from ringfence.cli.file_options import (
    CurrencyOption,
    DateFormatOption,
    DecimalMark,
    DecimalOption,
    DelimiterOption,
    KeyFileOption,
    MapOption,
    MaxRejectedOption,
    intake_options,
)
from ringfence.cli.hints import pasteable
from ringfence.cli.printing import print_json, print_lines, print_table, warn, warn_of_rejected
from ringfence.cli.progress import show_progress
from ringfence.cli.verifications import tell_opened

if TYPE_CHECKING:
    from ringfence.services.load_market import LoadOutcome
    from ringfence.store import Import


def load(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Folders (claims.csv, orders.csv, …) or files: claims, orders, identifiers, reports, "
            "merchants, buyers, rates.",
        ),
    ],
    store: StoreAddress = None,
    mapping: MapOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = DecimalMark.POINT,
    date_format: DateFormatOption = None,
    currency: CurrencyOption = None,
    max_rejected: MaxRejectedOption = 0.01,
    key_file: KeyFileOption = None,
    rejected: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where rejected.csv goes if rows are rejected.")
    ] = Path(),
    offline: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Ask no server: write files for the first load of an empty Neo4j, and print the command "
            "that imports them.",
        ),
    ] = None,
    policy: PolicyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Load files into the store; what is known already is not loaded twice.

    A later row for a known claim may change its status, evidence_count, delivered_at and refunded amount.
    Nobody sees a load before it is complete; one that was interrupted goes on where it stopped if the same
    command is given again. Reports among the rows open the verifications that are due by them.

    Millions of claims come into an empty Neo4j soonest by its own tool, which --offline writes files for.

    Example: ringfence load market
    """
    from ringfence.domain.leases import LeaseName
    from ringfence.intake import PseudonymKey
    from ringfence.services.hold_lease import hold_lease
    from ringfence.services.load_market import (
        LoadRequest,
        key_of,
        load_market,
        load_offline,
        refuse_missing,
    )

    options = intake_options(mapping, delimiter, decimal, date_format, currency, max_rejected)
    request = LoadRequest(inputs, options, rejected, chosen_policy(context, policy))
    refuse_missing(request)
    if offline is not None:
        files = stores_of(context).import_files(address_of(context, store))
        files.refuse_folder(offline)
        key = PseudonymKey.load_or_create(key_file or settings_of(context).key_file, create=True)
        with show_progress(quiet) as progress:
            outcome, made = load_offline(request, key, files, offline, clock(), progress)
        _tell(context, outcome, as_json=as_json, made=made)
        return
    with (
        open_store(context, store, create=True) as opened,
        show_progress(quiet) as progress,
        hold_lease(opened, LeaseName.LOAD, clock) as lease,
    ):
        key = key_of(opened, key_file or settings_of(context).key_file)
        outcome = load_market(request, key, opened, lease, clock(), progress)
    _tell(context, outcome, as_json=as_json)


def _tell(
    context: typer.Context, outcome: "LoadOutcome", *, as_json: bool, made: "Import | None" = None
) -> None:
    warn(outcome.warnings)
    if outcome.rejected:
        warn_of_rejected(sum(file.rejected for file in outcome.files), outcome.rejected)
    if as_json:
        told = {
            "load": outcome.load.load_id if outcome.load else None,
            "files": [asdict(file) for file in outcome.files],
            "warnings": outcome.warnings,
            "rejected": str(outcome.rejected) if outcome.rejected else None,
            "opened": [verification.verification_id for verification in outcome.opened],
        }
        print_json(told if made is None else told | {"command": made.command})
        return
    if outcome.load is None:
        print_lines("These files are in the store already: nothing to do.")
        return
    print_table(
        f"Load {outcome.load.load_id}",
        ("file", "read", "kept", "repeated", "updated", "rejected"),
        [
            tuple(
                [file.file]
                + [
                    f"{count:,}"
                    for count in (file.read, file.kept, file.repeated, file.updated, file.rejected)
                ]
            )
            for file in outcome.files
        ],
    )
    tell_opened(context, outcome.opened)
    if made is not None:
        print_lines(f"{made.before}\n\n{made.command}\n\n{pasteable(context, made.after)}")
