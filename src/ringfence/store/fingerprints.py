"""Checksums over what a piece of history says, whatever store or file it was read from."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from ringfence.domain.audit import SealedEntry
from ringfence.domain.loads import Load
from ringfence.market.tables import MarketTables
from ringfence.store.history import PastRecord
from ringfence.store.reports import FiledReport
from ringfence.store.rings import PastRun


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What two copies of one piece have in common."""

    rows: int
    """Of its tables; of a record its events; of reports each one; of a chain its entries."""
    sha256: str
    """64 hex digits."""


def of_load(load: Load, tables: MarketTables) -> Fingerprint:
    """Take the fingerprint of a load and what it brought."""
    told = _Telling(asdict(load))
    told.texts(tables.buyer_ids)
    told.texts(tables.merchant_ids)
    for values in tables.values:
        told.words(values.kind.value)
        told.array(values.exact)
        if values.sketches is not None:
            for field in fields(values.sketches):
                told.array(getattr(values.sketches, field.name))
    for name in _TABLES:
        told.frame(name, getattr(tables, name))
    return told.end(sum(len(getattr(tables, name)) for name in _TABLES))


def of_reports(filed: Sequence[FiledReport]) -> Fingerprint:
    """Take the fingerprint of the reports that were filed by call."""
    return _Telling([asdict(each) for each in filed]).end(len(filed))


def of_run(past: PastRun) -> Fingerprint:
    """Take the fingerprint of a run and its tables."""
    told = _Telling([asdict(past.run), past.is_kept, past.born])
    for name in sorted(past.tables):
        told.frame(name, past.tables[name])
    return told.end(sum(map(len, past.tables.values())))


def of_record(past: PastRecord) -> Fingerprint:
    """Take the fingerprint of a record and its events."""
    return _Telling(asdict(past)).end(len(past.events))


def of_chain(parts: Iterable[Sequence[SealedEntry]]) -> Fingerprint:
    """Take the fingerprint of a chain of the audit."""
    told, rows = _Telling("chain"), 0
    for part in parts:
        rows += len(part)
        for sealed in part:
            payload = None if sealed.payload is None else sealed.payload.hex()
            cells = (sealed.chain, sealed.number, sealed.at, sealed.digest.hex(), sealed.mac.hex(), payload)
            told.words(json.dumps(cells))
    return told.end(rows)


def of_all(fingerprints: Mapping[str, Fingerprint]) -> Fingerprint:
    """Take the fingerprint of many pieces by name."""
    told = {name: each.sha256 for name, each in fingerprints.items()}
    return _Telling(told).end(sum(each.rows for each in fingerprints.values()))


_TABLES = tuple(
    field.name for field in fields(MarketTables) if field.name not in ("buyer_ids", "merchant_ids", "values")
)


class _Telling:
    """Hashes values and columns one after another, each with its length, so that none runs into the next."""

    def __init__(self, about: Any) -> None:
        self._hash = hashlib.sha256()
        self.words(json.dumps(about, sort_keys=True))

    def words(self, text: str) -> None:
        self._bytes(text.encode())

    def array(self, values: np.ndarray[Any, Any]) -> None:
        self.words(f"{values.dtype.str} {values.shape}")
        self._bytes(np.ascontiguousarray(values).tobytes())

    def texts(self, column: pl.Series) -> None:
        self.array(column.is_null().to_numpy())
        filled = column.fill_null("")
        self.array(filled.str.len_bytes().to_numpy())
        self._bytes("".join(filled.to_list()).encode())

    def frame(self, name: str, frame: pl.DataFrame) -> None:
        self.words(name)
        for column in frame:
            self.words(f"{column.name} {column.dtype}")
            if column.dtype == pl.String:
                self.texts(column)
                continue
            self.array(column.is_null().to_numpy())
            numbers = column.to_physical() if column.dtype.is_temporal() else column
            self.array(numbers.fill_null(strategy="zero").to_numpy())

    def end(self, rows: int) -> Fingerprint:
        return Fingerprint(rows, self._hash.hexdigest())

    def _bytes(self, content: bytes) -> None:
        self._hash.update(len(content).to_bytes(8, "little"))
        self._hash.update(content)
