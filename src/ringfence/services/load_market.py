"""Files into the store: what is new in them, once, and an account of every row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.loads import FileCount, Load, LoadSource, refuse_other_pseudonyms
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Progress, Silent
from ringfence.domain.verifications import Verification
from ringfence.intake import (
    NORMALISER_VERSION,
    IntakeOptions,
    IntakeTables,
    PseudonymKey,
    TooManyRejectedError,
    digest_of,
    find_inputs,
    hold_against,
    read_tables,
    write_rejected,
)
from ringfence.services.open_verifications import open_due_verifications
from ringfence.store import Import, ImportFiles, KnownRows, Store


@dataclass(frozen=True)
class LoadRequest:
    """What to load."""

    inputs: Sequence[Path]
    """Files, or folders of files, of any kind."""
    intake: IntakeOptions = field(default_factory=IntakeOptions)
    rejected: Path = Path()
    """Folder for rejected.csv, which is written where rows are rejected."""
    policy: Policy = field(default_factory=Policy)
    """Says when reports open a verification."""


@dataclass(frozen=True, eq=False)
class LoadOutcome:
    """What came of it."""

    load: Load | None
    """None if these files are in the store already."""
    files: tuple[FileCount, ...]
    """In the order they were read; of the earlier load if there was one."""
    warnings: tuple[str, ...]
    rejected: Path | None
    """Where the rejected rows are told, if there are any."""
    opened: tuple[Verification, ...] = ()
    """The verifications that became due by reports among the rows."""


def refuse_missing(request: LoadRequest) -> None:
    """Say before a store is made that there is nothing to load. Raises UnreadableInputError."""
    find_inputs(request.inputs, needs_claims=False)


def key_of(store: Store, path: Path | None) -> PseudonymKey:
    """Read the key at `path` (None: in the user's data folder); only an empty store may begin with a new one.

    Raises UnreadableKeyError.
    """
    return PseudonymKey.load_or_create(path, create=store.market.version() == 0)


def load_market(
    request: LoadRequest,
    key: PseudonymKey,
    store: Store,
    lease: Lease,
    now: int,
    progress: Progress | None = None,
) -> LoadOutcome:
    """Load files, whole or not at all; a load that was interrupted is taken up by loading them again.

    `now` is in µs since 1970-01-01 UTC; whoever calls holds the lease. Raises UnreadableInputError,
    TooManyRejectedError (rejected.csv is written all the same), InvalidError for another key than the
    store's, LeaseLostError, UnavailableError.
    """
    listener = progress if progress is not None else Silent()
    digest = digest_of(request.inputs, request.intake, key)
    if (earlier := store.market.load_of(digest)) is not None:
        return LoadOutcome(None, earlier.source.files, (), None)
    for known in store.market.loads()[-1:]:
        # Under another key every known value would differ, and that would be told as the files' fault.
        refuse_other_pseudonyms(known.source.key_id, known.source.normaliser, key.key_id, NORMALISER_VERSION)
    settled, rejected = _read(request, key, store.market.known, listener)
    source = LoadSource(digest, key.key_id, NORMALISER_VERSION, settled.files, settled.filled())
    load = store.market.write_load(source, settled.tables, lease, now, listener)
    is_reported = not settled.tables.reports.is_empty()
    opened = open_due_verifications(store, request.policy, now, progress=listener) if is_reported else ()
    return LoadOutcome(load, settled.files, settled.warnings, rejected, opened)


def load_offline(
    request: LoadRequest,
    key: PseudonymKey,
    files: ImportFiles,
    folder: Path,
    now: int,
    progress: Progress | None = None,
) -> tuple[LoadOutcome, Import]:
    """Make of files a folder from which a server's own tool makes a store, whole or not at all.

    `now` is in µs since 1970-01-01 UTC. Raises what `load_market` raises for files, FolderInUseError.
    """
    files.refuse_folder(folder)
    listener = progress if progress is not None else Silent()
    digest = digest_of(request.inputs, request.intake, key)
    settled, rejected = _read(request, key, _nothing_known, listener)
    source = LoadSource(digest, key.key_id, NORMALISER_VERSION, settled.files, settled.filled())
    made = files.write(folder, source, settled.tables, now, listener)
    return LoadOutcome(made.load, settled.files, settled.warnings, rejected), made


def _read(
    request: LoadRequest,
    key: PseudonymKey,
    known: Callable[[pl.Series, pl.Series, pl.DataFrame], KnownRows],
    listener: Progress,
) -> tuple[IntakeTables, Path | None]:
    """Read the files and leave what is new; tell where rejected rows are told, if there are any."""
    try:
        read = read_tables(request.inputs, request.intake, key, listener)
        listener.stage("compare with what is known")
        tables = read.tables
        reports = tables.reports.select(
            "report_id", merchant_id=tables.merchant_ids.gather(tables.reports["merchant"])
        )
        asked = known(tables.claims["claim_id"], tables.orders["order_id"], reports)
        settled = hold_against(read, asked, request.intake.max_rejected)
        listener.done()
    except TooManyRejectedError as error:
        told = _tell_rejected(error.rejected, request.rejected)
        raise TooManyRejectedError(f"{error}; {told} names them all", error.rejected) from None
    return settled, _tell_rejected(settled.rejected, request.rejected)


def _nothing_known(*_: pl.Series | pl.DataFrame) -> KnownRows:
    return KnownRows(pl.DataFrame(), pl.DataFrame(), pl.DataFrame())


def _tell_rejected(rejected: pl.DataFrame, folder: Path) -> Path | None:
    return None if rejected.is_empty() else write_rejected(rejected, folder)
