"""A history in one file: a zip of Parquet and JSON, which any store can be made of again."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ringfence.domain.audit import Head, SealedEntry
from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.loads import Load
from ringfence.domain.progress import Progress
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.domain.runs import Run, RunState
from ringfence.market import Sketches
from ringfence.market.results import brought_forward
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables
from ringfence.store import fingerprints, report_names
from ringfence.store.columnar.sources import json_of, load_of_row
from ringfence.store.history import History, PastRecord
from ringfence.store.new_file import BackupExistsError, put, staged, sync
from ringfence.store.reports import FiledReport
from ringfence.store.rings import PastRun
from ringfence.store.store import Backup, Health

FORMAT = 5
"""Rises when an older Ringfence could not read the file."""
_MAGIC = b"PK"
_DAMAGE = (zipfile.BadZipFile, pl.exceptions.PolarsError)
_INDEX, _REPORTS, _RECORDS = "history.json", "reports.ndjson", "records.ndjson"
_FIRST_WITH_REPORTS = 2
"""The format that brought reports filed by call; an older Ringfence would pass over them."""
_FIRST_WITH_AUDIT = 3
_FIRST_WITH_MERCHANTS = 4
"""The format in which reports are known by their merchants too."""
_ENTRIES_AT_ONCE = 1_000
_WHAT = "ringfence backup"


def is_archive(path: Path) -> bool:
    """Whether a file looks like one of these; NotFoundError where there is none."""
    if not path.is_file():
        raise NotFoundError(f"There is no backup {path}.")
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def write_archive(history: History, path: Path, progress: Progress) -> Backup:
    """Write a history into a new file that only its owner may read, whole or not at all, and read it again.

    Raises ConflictError if the file exists, UnavailableError where the disk refuses or the file reads
    otherwise than it was written.
    """
    if path.exists():
        raise BackupExistsError(path)
    with staged(path) as copy:
        copy.touch(mode=0o600)
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as file:
            written = _write(history, file, progress)
        progress.stage("compare")
        with open_archive(copy) as archived:
            if _fingerprints(archived) != written:
                raise OSError(None, "it does not read as it was written")
            health = archived.health
        sync(copy)
        if not put(copy, path):
            raise BackupExistsError(path)
    progress.done()
    return Backup(path, path.stat().st_size, health)


@contextmanager
def open_archive(path: Path) -> "Iterator[ArchivedHistory]":
    """Read a history from its file.

    Raises InvalidError, also while it is read, for a file that is damaged, no backup, or of a newer version.
    """
    with _damage(path):
        file = zipfile.ZipFile(path)
    with file:
        with _damage(path):
            if (bad := file.testzip()) is not None:
                raise zipfile.BadZipFile(f"{bad} is not as it was written")
            about = json.loads(file.read(_INDEX))
            version = about["format"] if about["what"] == _WHAT else 0
        if version > FORMAT:
            raise InvalidError(
                f"The backup {path} was made by a newer Ringfence (format {version}, this one knows "
                f"{FORMAT}); use that one."
            )
        with _damage(path):
            if not version:
                raise ValueError("another program's")
            archived = ArchivedHistory(path, file, about)
        yield archived


class ArchivedHistory:
    """The history in a file."""

    def __init__(self, path: Path, file: zipfile.ZipFile, about: dict[str, Any]) -> None:
        self._path, self._file = path, file
        self.loads = tuple(load_of_row(*row) for row in about["loads"])
        self.runs = tuple(_run(run) for run in about["runs"])
        self._kept = {run["run_id"]: run for run in about["runs"]}
        reports = file.read(_REPORTS) if about["format"] >= _FIRST_WITH_REPORTS else b""
        self.reports = tuple(map(_filed, map(json.loads, reports.splitlines())))
        chains = about["chains"] if about["format"] >= _FIRST_WITH_AUDIT else ()
        self.chains = tuple(Head(chain, number, bytes.fromhex(mac)) for chain, number, mac in chains)
        lines = file.read(_RECORDS).splitlines()
        records = map(_record, map(json.loads, lines))
        if about["format"] < _FIRST_WITH_MERCHANTS:
            records = map(partial(_named, self._merchants_of_reports()), records)
        self._records = {past.current.record: past for past in records}
        self.records = tuple(past.current for past in self._records.values())

    @property
    def health(self) -> Health:
        """Where a store stands that is made of it; its schema version is the file's format."""
        published = [run for run in self.runs if run.state is RunState.PUBLISHED]
        return Health(
            schema_version=FORMAT,
            market_version=self.loads[-1].load_id if self.loads else 0,
            last_run_id=published[-1].run_id if published else None,
            last_published_at=published[-1].ended_at if published else None,
        )

    def tables_of(self, load: Load) -> MarketTables:
        """Give what one of the loads brought."""
        folder = f"loads/{load.load_id}"
        frames = {name: self._frame(f"{folder}/{name}") for name in SCHEMAS}
        found = (self._values(folder, kind) for kind in IdentifierKind)
        return MarketTables(
            buyer_ids=self._frame(f"{folder}/buyer_ids")["id"],
            merchant_ids=self._frame(f"{folder}/merchant_ids")["id"],
            values=tuple(values for values in found if values is not None),
            **frames,
        )

    def past_run(self, run: Run) -> PastRun:
        """Tell all there is of one of the runs."""
        kept = self._kept[run.run_id]
        tables = {
            name: brought_forward(name, self._frame(f"runs/{run.run_id}/{name}")) for name in kept["tables"]
        }
        return PastRun(run, kept["is_kept"], tables, kept["born"])

    def past_record(self, state: RecordState) -> PastRecord:
        """Tell all there is of one of the records."""
        return self._records[state.record]

    def entries(self, head: Head, after: int = 0) -> Iterator[tuple[SealedEntry, ...]]:
        """Give the entries of a chain, some at a time."""
        with _damage(self._path), self._file.open(_place_of(head)) as lines:
            told = islice(map(_sealed, lines), after, None)
            while part := tuple(islice(told, _ENTRIES_AT_ONCE)):
                yield part

    def _merchants_of_reports(self) -> dict[str, str]:
        """Give whose reports are, while each has an id that no other has."""
        found = {filed.report.report_id: filed.report.merchant_id for filed in self.reports}
        for load in self.loads:
            folder = f"loads/{load.load_id}"
            reports, merchant_ids = self._frame(f"{folder}/reports"), self._frame(f"{folder}/merchant_ids")
            told = merchant_ids["id"].gather(reports["merchant"])
            found.update(zip(reports["report_id"], told, strict=True))
        return found

    def _values(self, folder: str, kind: IdentifierKind) -> IdentifierValues | None:
        place = f"{folder}/{kind.value}"
        if f"{place}.parquet" not in self._file.NameToInfo:
            return None
        exact = np.ascontiguousarray(self._frame(place)["exact"].to_numpy())
        if f"{place} sketches.parquet" not in self._file.NameToInfo:
            return IdentifierValues(kind, exact)
        rows = self._frame(f"{place} sketches")
        columns = {name: rows[name].to_numpy() for name in ("block", "value", "variant")}
        start = np.concatenate(([0], np.cumsum(rows["size"].to_numpy()))).astype(np.int64)
        bigrams = self._frame(f"{place} bigrams")["bigram"].to_numpy()
        return IdentifierValues(kind, exact, Sketches(**columns, start=start, bigrams=bigrams))

    def _frame(self, place: str) -> pl.DataFrame:
        with _damage(self._path):
            return pl.read_parquet(BytesIO(self._file.read(f"{place}.parquet")))


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (*_DAMAGE, KeyError, ValueError, TypeError, EOFError) as error:
        raise InvalidError(
            f"{path} is no backup of a Ringfence store, or is damaged ({error}); use another."
        ) from error


def _write(history: History, file: zipfile.ZipFile, progress: Progress) -> list[fingerprints.Fingerprint]:
    """Write all pieces, the index last, and give their fingerprints."""
    written = []
    for load in history.loads:
        progress.stage(f"read load {load.load_id}")
        tables = history.tables_of(load)
        _write_tables(file, f"loads/{load.load_id}", tables)
        written.append(fingerprints.of_load(load, tables))
    progress.stage("reports")
    with file.open(_REPORTS, "w") as lines:
        lines.writelines(json.dumps(asdict(filed)).encode() + b"\n" for filed in history.reports)
    written.append(fingerprints.of_reports(history.reports))
    runs = []
    for run in history.runs:
        progress.stage(f"read run {run.run_id}")
        past = history.past_run(run)
        for name, frame in past.tables.items():
            _write_frame(file, f"runs/{run.run_id}/{name}", frame)
        runs.append(asdict(run) | {"is_kept": past.is_kept, "tables": [*past.tables], "born": past.born})
        written.append(fingerprints.of_run(past))
    progress.stage("records")
    with file.open(_RECORDS, "w") as lines:
        for state in history.records:
            told = history.past_record(state)
            lines.write(json.dumps(asdict(told)).encode() + b"\n")
            written.append(fingerprints.of_record(told))
    progress.stage("audit")
    for head in history.chains:
        with file.open(_place_of(head), "w") as lines:
            for part in history.entries(head):
                lines.writelines(_line(sealed) for sealed in part)
        written.append(fingerprints.of_chain(history.entries(head)))
    chains = [(head.chain, head.number, head.mac.hex()) for head in history.chains]
    loads = [(load.load_id, load.begun_at, load.finished_at, json_of(load.source)) for load in history.loads]
    about = {"what": _WHAT, "format": FORMAT, "loads": loads, "runs": runs, "chains": chains}
    file.writestr(_INDEX, json.dumps(about))
    return written


def _fingerprints(history: History) -> list[fingerprints.Fingerprint]:
    return [
        *(fingerprints.of_load(load, history.tables_of(load)) for load in history.loads),
        fingerprints.of_reports(history.reports),
        *(fingerprints.of_run(history.past_run(run)) for run in history.runs),
        *(fingerprints.of_record(history.past_record(state)) for state in history.records),
        *(fingerprints.of_chain(history.entries(head)) for head in history.chains),
    ]


def _write_tables(file: zipfile.ZipFile, folder: str, tables: MarketTables) -> None:
    for name in SCHEMAS:
        _write_frame(file, f"{folder}/{name}", getattr(tables, name))
    for name in ("buyer_ids", "merchant_ids"):
        _write_frame(file, f"{folder}/{name}", getattr(tables, name).alias("id").to_frame())
    for values in tables.values:
        place, sketches = f"{folder}/{values.kind.value}", values.sketches
        width = {"exact": pl.Array(pl.UInt8, values.exact.shape[1])}
        _write_frame(file, place, pl.DataFrame({"exact": values.exact}, schema_overrides=width))
        if sketches is not None:
            columns = {
                field.name: getattr(sketches, field.name)
                for field in fields(Sketches)
                if field.name not in ("start", "bigrams")
            }
            rows = pl.DataFrame(columns | {"size": np.diff(sketches.start)})
            _write_frame(file, f"{place} sketches", rows)
            _write_frame(file, f"{place} bigrams", pl.DataFrame({"bigram": sketches.bigrams}))


def _write_frame(file: zipfile.ZipFile, place: str, frame: pl.DataFrame) -> None:
    content = BytesIO()
    frame.write_parquet(content)
    file.writestr(f"{place}.parquet", content.getbuffer())


def _run(told: dict[str, Any]) -> Run:
    named = {field.name: told[field.name] for field in fields(Run)}
    return Run(**named | {"state": RunState(told["state"]), "reasons": tuple(told["reasons"])})


def _place_of(head: Head) -> str:
    return f"audit/{head.chain}.ndjson"


def _line(sealed: SealedEntry) -> bytes:
    payload = None if sealed.payload is None else sealed.payload.decode()
    cells = (sealed.chain, sealed.number, sealed.at, sealed.digest.hex(), sealed.mac.hex(), payload)
    return json.dumps(cells).encode() + b"\n"


def _sealed(line: bytes) -> SealedEntry:
    chain, number, at, digest, mac, payload = json.loads(line)
    told = None if payload is None else payload.encode()
    return SealedEntry(chain, number, at, bytes.fromhex(digest), bytes.fromhex(mac), told)


def _filed(told: dict[str, Any]) -> FiledReport:
    return FiledReport(Report(**told["report"]), told["filed_at"])


def _record(told: dict[str, Any]) -> PastRecord:
    current = told["current"]
    ref = RecordRef(RecordKind(current["record"]["kind"]), current["record"]["id"])
    return PastRecord(
        RecordState(ref, current["version"], current["state"]),
        tuple(Event(**event) for event in told["events"]),
        tuple(Subject(SubjectKind(each["kind"]), each["id"]) for each in told["concerns"]),
    )


def _named(merchant_of: dict[str, str], past: PastRecord) -> PastRecord:
    """Name reports by their merchants too, in their records and the files of verifications."""
    current = past.current
    match current.record:
        case RecordRef(RecordKind.REPORT, id) if id in merchant_of:
            named = RecordRef(RecordKind.REPORT, ReportRef(merchant_of[id], id).name)
            return replace(past, current=replace(current, record=named))
        case RecordRef(RecordKind.VERIFICATION):
            state = report_names.named(current.state, merchant_of)
            return replace(past, current=replace(current, state=state))
    return past
