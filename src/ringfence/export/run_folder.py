"""A run as a folder of files that is written whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ringfence.domain.errors import InvalidError, NotFoundError, UnavailableError
from ringfence.export.tables import conform, read_table, write_table
from ringfence.market.results import OPTIONAL, SCHEMAS, no_leads

_FORMAT = "ringfence run 1"
_READY = ".ready"
"""A complete new content whose files are being moved into place; while it exists, its files are the run's."""
_LEFT_BEHIND = (_READY, "rejected.csv")
"""What runs leave in a folder that holds no run: an interrupted one, and one whose input was refused."""


@dataclass(frozen=True, eq=False)
class RunFolder:
    """What one detection wrote; the frames have the columns of `market.results.SCHEMAS`."""

    rings: pl.DataFrame
    """(:Buyer)-[:MEMBER_OF]->(:Ring): one row a ring."""
    members: pl.DataFrame
    """One row a member."""
    buyers: pl.DataFrame
    """Every buyer seen, best first, scored 0 to 1."""
    evidence: pl.DataFrame
    """The joint claims that the rings rest on: one row a claim."""
    links: pl.DataFrame | None
    """(:Buyer)-[:LINKED]-(:Buyer), if they were written."""
    lineage: pl.DataFrame | None
    """How rings follow from those of an earlier run, if there was one."""
    run: dict[str, Any]
    """Policy, parameters, versions, seed, counts and notes; and `format` and `files` (rows by table)."""
    timings: dict[str, Any]
    """Seconds and peak memory by stage."""
    leads: pl.DataFrame = field(default_factory=lambda: no_leads()["leads"])
    """Suspicions too weak to be rings, best first; none in a run of before there were leads."""
    lead_members: pl.DataFrame = field(default_factory=lambda: no_leads()["lead_members"])
    """Their buyers."""
    lead_evidence: pl.DataFrame = field(default_factory=lambda: no_leads()["lead_evidence"])
    """The claims they rest on."""

    @classmethod
    def of_tables(
        cls, tables: Mapping[str, pl.DataFrame], run: dict[str, Any], timings: dict[str, Any]
    ) -> "RunFolder":
        """Put tables together by their names."""
        return cls(
            rings=tables["rings"],
            members=tables["members"],
            buyers=tables["buyers"],
            evidence=tables["evidence"],
            links=tables.get("links"),
            lineage=tables.get("lineage"),
            run=run,
            timings=timings,
            **{table: tables.get(table, empty) for table, empty in no_leads().items()},
        )


def write_run(
    directory: Path | str,
    frames: Mapping[str, pl.DataFrame],
    run: Mapping[str, Any],
    timings: Mapping[str, Any],
) -> None:
    """Write a run's files: `frames` by table (rings, members, buyers, evidence; the others optional).

    All is written and synced beside the old files first and takes effect by one rename, so that an
    interrupted write leaves the former run, or the new one whole. Files of the folder that are not the
    run's stay. Nothing but timings.json depends on anything but the arguments. Raises InvalidError for a
    folder that holds something else than a run or for frames that do not conform, UnavailableError where the
    disk refuses.
    """
    target = Path(directory)
    unknown = set(frames) - set(SCHEMAS)
    if unknown:
        raise InvalidError(f"A run has no table {min(unknown)}.")
    for table in SCHEMAS:
        if table not in frames and table not in OPTIONAL:
            raise InvalidError(f"The run lacks the table {table}.")
    conforming = {table: conform(table, frame) for table, frame in sorted(frames.items())}
    about = {**run, "format": _FORMAT, "files": {table: frame.height for table, frame in conforming.items()}}
    try:
        target.mkdir(parents=True, exist_ok=True)
        refuse_strangers(target)
        _finish(target)
        staged = Path(tempfile.mkdtemp(prefix=".new-", dir=target))
        try:
            for table, frame in conforming.items():
                write_table(table, frame, staged / f"{table}.csv")
            _write_json(staged / "timings.json", timings)
            _write_json(staged / "run.json", about)
            for path in staged.iterdir():
                _sync(path)
            _sync(staged)
            staged.rename(target / _READY)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        _sync(target)
        _finish(target)
    except OSError as error:
        raise UnavailableError(
            f"The run cannot be written to {target}: {error.strerror or error}."
        ) from error


def read_run(directory: Path | str) -> RunFolder:
    """Read a run's files. Raises NotFoundError where there is no run, InvalidError where it is damaged."""
    target = Path(directory)
    if not target.is_dir():
        raise NotFoundError(f"There is no run folder {target}.")
    if not _locate(target, "run.json").is_file():
        raise NotFoundError(f"{target} is no run folder: it has no run.json.")
    about = _read_json(_locate(target, "run.json"))
    if about.get("format") != _FORMAT or not isinstance(about.get("files"), dict):
        raise InvalidError(f"{target} is not a run folder of this version.")
    frames: dict[str, pl.DataFrame] = {}
    for table, rows in about["files"].items():
        path = _locate(target, f"{table}.csv")
        if not path.is_file():
            raise NotFoundError(f"The run folder {target} lacks {path.name}.")
        frames[table] = read_table(table, path)
        if frames[table].height != rows:
            raise InvalidError(f"{path} is damaged: it has {frames[table].height} rows, not {rows}.")
    for table in SCHEMAS:
        if table not in frames and table not in OPTIONAL:
            raise InvalidError(f"{target} is damaged: its run.json does not name {table}.")
    return RunFolder.of_tables(frames, about, _read_json(_locate(target, "timings.json")))


def _locate(target: Path, name: str) -> Path:
    ready = target / _READY / name
    return ready if ready.is_file() else target / name


def refuse_strangers(directory: Path | str) -> None:
    """Let a run be written here: where nothing is, what an interrupted or refused run left, or a run.

    Raises InvalidError for any other folder; worth asking before hours of work.
    """
    target = Path(directory)
    if target.exists() and not target.is_dir():
        raise InvalidError(f"{target} is a file; name a folder.")
    inside = [
        path.name
        for path in (target.iterdir() if target.is_dir() else ())
        if path.name not in _LEFT_BEHIND and not path.name.startswith(".new-")
    ]
    if not inside or (target / _READY / "run.json").is_file():
        return
    about = target / "run.json"
    if not about.is_file() or _read_json(about).get("format") != _FORMAT:
        raise InvalidError(f"{target} is not empty and holds no run; name another folder.")


def _finish(target: Path) -> None:
    """Move a complete new content into place, run.json last, and clear away what interrupted writes left.

    Until run.json has moved, readers find what is in `.ready` first, so that this may stop anywhere and be
    called again.
    """
    ready = target / _READY
    about = ready / "run.json"
    if about.is_file():
        tables = _read_json(about)["files"]
        for table in set(SCHEMAS) - set(tables):
            (target / f"{table}.csv").unlink(missing_ok=True)
        for path in sorted(ready.iterdir(), key=lambda path: path.name == "run.json"):
            path.replace(target / path.name)
        _sync(target)
    if ready.is_dir():
        ready.rmdir()
    for left in target.glob(".new-*"):
        shutil.rmtree(left, ignore_errors=True)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"{path.name} cannot hold what it was given: {error}.") from error
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidError(f"{path} is damaged: it holds no object.")
    return value


def _sync(path: Path) -> None:
    """Force a file, or a folder's entries, onto the disk; Windows has no such call for folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
