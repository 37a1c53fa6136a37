"""Kill Ringfence at random moments, run the same command again, and compare with a run nobody disturbed.

    python tests/benchmarks/faults.py /tmp/faults --rounds 20

Each round loads a marketplace in two parts, detects, and decides about rings, while processes are killed
(`kill -9`) after a random time, or just before or after a random commit. Whatever was said to be done must be
there, nothing half-done may be seen in between, and in the end rings, market and decisions must be what they
are without a fault.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from measuring import print_table

from ringfence.app import StoresByAddress
from ringfence.domain.records import RecordKind
from ringfence.domain.runs import RunState
from ringfence.market import Market
from ringfence.store import Store

_MODULE = (sys.executable, "-m", "ringfence")
_KILLED_AT_A_COMMIT = """
import os, signal, sqlite3, sys
left, is_before = int(sys.argv.pop(1)), sys.argv.pop(1) == "before"
connect = sqlite3.connect
class Connection(sqlite3.Connection):
    def execute(self, statement, *values):
        global left
        if statement != "COMMIT":
            return super().execute(statement, *values)
        left -= 1
        if left == 0 and is_before:
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().execute(statement, *values)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
sqlite3.connect = lambda *given, **named: connect(*given, factory=Connection, **named)
from ringfence.app import main
main()
"""
_MOST_COMMITS = 12
_MOST_KILLS = 4


@dataclass
class Tally:
    """What happened to one kind of command over all rounds."""

    seconds: float
    """How long it takes undisturbed."""
    kills: int = 0
    again: int = 0
    """Runs after a kill that went on to the end."""


@dataclass(frozen=True)
class Place:
    """Where one round keeps its things."""

    store: Path
    key: Path
    out: Path

    def command(self, *arguments: str | Path) -> list[str]:
        """Complete a command with the store it works on."""
        return [*map(str, arguments), "--store", str(self.store)]

    def environment(self) -> dict[str, str]:
        """Give a process the key."""
        return os.environ | {"RINGFENCE_KEY_FILE": str(self.key)}


@dataclass
class Script:
    """The commands of a round by kind, in order; rings are known only once the undisturbed run found them."""

    steps: list[tuple[str, list[str]]] = field(default_factory=list)


class FaultError(Exception):
    """Something was lost, half-done, or different."""


def main() -> None:
    """Run the rounds and print what came of them; exit 1 at the first loss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="an empty or missing folder to work in")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--buyers", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    parts = _marketplace(options.folder, options.buyers, options.seed)
    key = options.folder / "key"

    calm = _place(options.folder / "calm", key)
    steps = [("load", ["load", str(parts[0])]), ("load", ["load", str(parts[1])])]
    steps.append(("detect", ["detect", "--out", str(calm.out), "--links"]))
    tallies: dict[str, Tally] = {}
    for kind, arguments in steps:
        tallies[kind] = Tally(_undisturbed(calm, arguments))
    for number, ring_id in enumerate(_rings(calm)[:4]):
        outcome = ("confirm", "dismiss")[number % 2]
        decide = ["rings", "decide", ring_id, outcome, "--reason", f"seen {number}", "--as", "ana"]
        steps.append(("decide", decide))
        tallies["decide"] = Tally(_undisturbed(calm, decide))

    dice = random.Random(options.seed)
    for number in range(options.rounds):
        place = _place(options.folder / f"round-{number + 1}", key)
        for kind, arguments in steps:
            _with_kills(place, kind, _for_place(arguments, calm, place), tallies[kind], dice)
        _compare(calm, place)
        shutil.rmtree(place.store.parent)
    print_table(
        f"{options.rounds} rounds of {len(steps)} commands, {options.buyers:,} buyers: nothing was lost",
        ("command", "seconds undisturbed", "kills", "went on to the end after a kill"),
        [(kind, f"{tally.seconds:.1f}", tally.kills, tally.again) for kind, tally in tallies.items()],
    )


def _marketplace(folder: Path, buyers: int, seed: int) -> tuple[Path, Path]:
    """Make a marketplace in two parts: most of it, then more claims and later words on known ones."""
    whole = folder / "market"
    _call([*_MODULE, "generate", str(whole), "--buyers", str(buyers), "--seed", str(seed), "--quiet"])
    first, second = folder / "first", folder / "second"
    for part in (first, second):
        part.mkdir()
    claims = pl.read_csv(whole / "claims.csv", infer_schema=False)
    cut = len(claims) * 3 // 4
    claims.head(cut).write_csv(first / "claims.csv")
    known = claims.slice(cut // 2, 500).with_columns(status=pl.lit("refused"))
    pl.concat([claims.slice(cut), known]).write_csv(second / "claims.csv")
    for other in whole.glob("*.csv"):
        if other.stem not in ("claims", "truth"):
            shutil.copy(other, first / other.name)
    return first, second


def _place(folder: Path, key: Path) -> Place:
    folder.mkdir()
    return Place(folder / "store.sqlite", key, folder / "run")


def _for_place(arguments: Sequence[str], one: Place, other: Place) -> list[str]:
    return [str(other.out) if argument == str(one.out) else argument for argument in arguments]


def _call(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ended.returncode != 0:
        raise FaultError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr.strip()}")


def _undisturbed(place: Place, arguments: Sequence[str]) -> float:
    begun = time.monotonic()
    _call([*_MODULE, *place.command(*arguments)], place.environment())
    return time.monotonic() - begun


def _rings(place: Place) -> list[str]:
    return pl.read_csv(place.out / "rings.csv")["ring_id"].to_list()


def _with_kills(place: Place, kind: str, arguments: list[str], tally: Tally, dice: random.Random) -> None:
    """Run one command, kill it a few times, look at what can be seen each time, and let it end at last."""
    for _ in range(dice.randint(1, _MOST_KILLS)):
        if _killed(place, arguments, tally.seconds, dice):
            tally.kills += 1
            _look(place)
            if kind == "decide" and _is_decided(place, arguments):
                return
        elif kind == "decide":
            # It was done, and saying it again would be another decision.
            return
        else:
            break
    _call([*_MODULE, *place.command(*arguments)], place.environment())
    tally.again += 1
    _look(place)


def _killed(place: Place, arguments: list[str], seconds: float, dice: random.Random) -> bool:
    """Start the command and kill it, by the clock or at a commit; say whether it died before its end."""
    command = place.command(*arguments)
    at_commit = dice.random() < 0.6
    if at_commit:
        when = [str(dice.randint(1, _MOST_COMMITS)), dice.choice(("before", "after"))]
        program = [sys.executable, "-c", _KILLED_AT_A_COMMIT, *when]
    else:
        program = [*_MODULE]
    process = subprocess.Popen(
        [*program, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=place.environment(),
    )
    if not at_commit:
        try:
            process.wait(seconds * dice.uniform(0.3, 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
    _, said = process.communicate()
    if process.returncode not in (0, -9):
        raise FaultError(f"{' '.join(command)} ended with {process.returncode}: {said.strip()}")
    return process.returncode != 0


def _look(place: Place) -> None:
    """See that whatever can be read is whole."""
    if not place.store.exists():
        return
    store = StoresByAddress().open(str(place.store), create=False)
    try:
        with store.snapshot():
            loads = store.market.loads()
            kept = sum(count.kept for load in loads for count in load.source.files if count.table == "claims")
            if loads and len(store.market.read().claims) != kept:
                raise FaultError(f"{place.store}: the market has other claims than its loads brought")
            run = store.rings.run()
            if run is not None:
                tables = store.rings.tables()
                told = run.about["counts"]
                seen = {"rings": len(tables["rings"]), "members": len(tables["members"])}
                if run.state is not RunState.PUBLISHED or any(told[name] != seen[name] for name in seen):
                    raise FaultError(f"{place.store}: run {run.run_id} is seen half: {seen}, not {told}")
            for record in store.records.current(RecordKind.RING_DECISION):
                if len(store.records.stream(record.record)) != record.version:
                    raise FaultError(f"{place.store}: {record.record} has lost events")
    finally:
        store.close()


def _is_decided(place: Place, arguments: list[str]) -> bool:
    """Say whether a decision was taken by a process that died before it could say so."""
    store = StoresByAddress().open(str(place.store), create=False)
    try:
        return any(
            record.record.id == arguments[2] for record in store.records.current(RecordKind.RING_DECISION)
        )
    finally:
        store.close()


def _compare(calm: Place, place: Place) -> None:
    """Hold a disturbed store and its run folder against the undisturbed ones."""
    for table in ("rings", "members", "buyers", "evidence", "links"):
        file = f"{table}.csv"
        if (calm.out / file).read_bytes() != (place.out / file).read_bytes():
            raise FaultError(f"{place.out / file} differs from the undisturbed run's")
    stores = StoresByAddress()
    one, other = (stores.open(str(each.store), create=False) for each in (calm, place))
    try:
        if not _same_market(one.market.read(), other.market.read()):
            raise FaultError(f"{place.store}: the market differs from the undisturbed one")
        for what in (_loads, _results, _decisions, _buyers):
            if what(one) != what(other):
                raise FaultError(
                    f"{place.store}:{what.__name__.replace('_', ' ')} differ from the undisturbed ones"
                )
    finally:
        one.close()
        other.close()


def _same_market(one: Market, other: Market) -> bool:
    if one.buyer_ids.to_list() != other.buyer_ids.to_list() or one.currencies != other.currencies:
        return False
    if one.claims.claim_id.to_list() != other.claims.claim_id.to_list():
        return False
    for name in ("buyer", "merchant", "filed_at", "amount", "currency"):
        if not np.array_equal(getattr(one.claims, name), getattr(other.claims, name)):
            return False
    return all(
        a.kind == b.kind and np.array_equal(a.exact, b.exact) and np.array_equal(a.value, b.value)
        for a, b in zip(one.identifiers, other.identifiers, strict=True)
    )


def _loads(store: Store) -> list[object]:
    return [load.source for load in store.market.loads()]


def _results(store: Store) -> dict[str, list[object]]:
    # A detection that was killed after it had published is a former run to the one that follows.
    tables = store.rings.tables()
    return {name: list(tables[name].iter_rows()) for name in tables if name != "lineage"}


def _decisions(store: Store) -> list[object]:
    return [
        (
            record.record,
            [
                (e.type, e.actor, json.dumps({**e.data, "run_id": 0}, sort_keys=True))
                for e in store.records.stream(record.record)
            ],
        )
        for record in store.records.current(RecordKind.RING_DECISION)
    ]


def _buyers(store: Store) -> list[object]:
    from ringfence.domain.scope import PLATFORM

    return [
        (store.market.buyers((buyer_id,), PLATFORM), store.market.claims_of(buyer_id, PLATFORM, 100).items)
        for buyer_id in store.market.read().buyer_ids.gather_every(50)
    ]


if __name__ == "__main__":
    try:
        main()
    except FaultError as error:
        sys.exit(str(error))
