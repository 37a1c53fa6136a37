"""Kill Ringfence at random moments, run the same command again, and compare with a run nobody disturbed.

    python tests/benchmarks/faults.py /tmp/faults --rounds 20 --store neo4j

Each round loads a marketplace in two parts, detects, and decides about rings, while processes are killed
(`kill -9`) after a random time, or just before or after a random commit; with Neo4j the server too, which is
started again while the command waits for it. Whatever was said to be done must be there, nothing half-done
may be seen in between, and in the end rings, market and decisions must be what they are without a fault, in
an embedded store.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from measuring import print_table

sys.path.insert(0, str(Path(__file__).parents[1]))

from neo4j_database import Emptying
from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.domain.errors import NotFoundError
from ringfence.domain.records import RecordKind
from ringfence.domain.runs import RunState
from ringfence.domain.scope import PLATFORM
from ringfence.market import Market
from ringfence.store import Store

_MODULE = (sys.executable, "-m", "ringfence")
_KILLED_AT_A_COMMIT = """
import os, signal, sqlite3, sys
import neo4j
left, is_before = int(sys.argv.pop(1)), sys.argv.pop(1) == "before"
def commit(work, *values):
    global left
    left -= 1
    if left == 0 and is_before:
        os.kill(os.getpid(), signal.SIGKILL)
    done = work(*values)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
connect = sqlite3.connect
class Connection(sqlite3.Connection):
    def execute(self, statement, *values):
        if statement != "COMMIT":
            return super().execute(statement, *values)
        return commit(super().execute, statement)
sqlite3.connect = lambda *given, **named: connect(*given, factory=Connection, **named)
committed = neo4j.Transaction.commit
neo4j.Transaction.commit = lambda transaction: commit(committed, transaction)
from ringfence.app import main
main()
"""
_MOST_COMMITS = {"sqlite": 12, "neo4j": 40}
_MOST_KILLS = 4
_LONGEST_PAUSE_SECONDS = 3.0
"""How long a server that was killed stays away."""
_UNAVAILABLE = 1


@dataclass
class Tally:
    """What happened to one kind of command over all rounds."""

    seconds: float
    """How long it takes undisturbed."""
    kills: int = 0
    server_kills: int = 0
    again: int = 0
    """Runs after a kill that went on to the end."""


@dataclass(frozen=True)
class Place:
    """Where one round keeps its things."""

    address: str
    key: Path
    out: Path
    server: Neo4jServer | None = None
    """Where the store is not embedded."""

    @property
    def kind(self) -> str:
        """Say what kind of store it is."""
        return "sqlite" if self.server is None else "neo4j"

    def command(self, *arguments: str | Path) -> list[str]:
        """Complete a command with the store it works on."""
        return [*map(str, arguments), "--store", self.address]

    def environment(self) -> dict[str, str]:
        """Give a process the key."""
        return os.environ | {"RINGFENCE_KEY_FILE": str(self.key)}


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
    parser.add_argument("--store", choices=sorted(_MOST_COMMITS), default="sqlite")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    parts = _marketplace(options.folder, options.buyers, options.seed)
    key = options.folder / "key"

    calm = _embedded(options.folder / "calm", key)
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
    with _places(options.folder, key, options.rounds, options.store) as places:
        for place in places:
            for kind, arguments in steps:
                _with_kills(place, kind, _for_place(arguments, calm, place), tallies[kind], dice)
            _compare(calm, place)
            shutil.rmtree(place.out.parent)
    print_table(
        f"{options.rounds} rounds of {len(steps)} commands, {options.buyers:,} buyers, {options.store}: "
        "nothing was lost",
        ("command", "seconds undisturbed", "kills", "kills of the server", "went on to the end after a kill"),
        [
            (kind, f"{tally.seconds:.1f}", tally.kills, tally.server_kills, tally.again)
            for kind, tally in tallies.items()
        ],
    )


@contextmanager
def _places(folder: Path, key: Path, rounds: int, kind: str) -> Iterator[Iterator[Place]]:
    """Give a new place for each round, and whatever serves them."""
    folders = (folder / f"round-{number + 1}" for number in range(rounds))
    if kind == "sqlite":
        yield (_embedded(each, key) for each in folders)
        return
    with Neo4jServer(folder / "server", heap="1g", java_options=()) as server:
        yield (_served(each, key, server) for each in folders)


def _embedded(folder: Path, key: Path) -> Place:
    folder.mkdir()
    return Place(str(folder / "store.sqlite"), key, folder / "run")


def _served(folder: Path, key: Path, server: Neo4jServer) -> Place:
    folder.mkdir()
    with server.login.driver() as driver:
        Emptying(driver).empty()
    return Place(server.address, key, folder / "run", server)


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
    """Run one command, kill it or its server a few times, look each time, and let it end at last."""
    for _ in range(dice.randint(1, _MOST_KILLS)):
        if place.server is not None and dice.random() < 0.4:
            is_done = _without_server(place, place.server, arguments, tally, dice)
        else:
            is_done = not _killed(place, arguments, tally, dice)
        _look(place)
        if kind == "decide" and (is_done or _is_decided(place, arguments)):
            # Saying it again would be another decision.
            return
        if is_done:
            break
    _call([*_MODULE, *place.command(*arguments)], place.environment())
    tally.again += 1
    _look(place)


def _killed(place: Place, arguments: list[str], tally: Tally, dice: random.Random) -> bool:
    """Start the command and kill it, by the clock or at a commit; say whether it died before its end."""
    at_commit = dice.random() < 0.6
    program = [*_MODULE]
    if at_commit:
        when = [str(dice.randint(1, _MOST_COMMITS[place.kind])), dice.choice(("before", "after"))]
        program = [sys.executable, "-c", _KILLED_AT_A_COMMIT, *when]
    process = _start([*program, *place.command(*arguments)], place)
    if not at_commit:
        try:
            process.wait(tally.seconds * dice.uniform(0.3, 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
    _, said = process.communicate()
    if process.returncode not in (0, -9):
        raise FaultError(f"{' '.join(arguments)} ended with {process.returncode}: {said.strip()}")
    tally.kills += process.returncode != 0
    return process.returncode != 0


def _without_server(
    place: Place, server: Neo4jServer, arguments: list[str], tally: Tally, dice: random.Random
) -> bool:
    """Start the command, kill its server, start that again; say whether the command came to its end."""
    process = _start([*_MODULE, *place.command(*arguments)], place)
    try:
        process.wait(tally.seconds * dice.uniform(0.3, 1.5))
    except subprocess.TimeoutExpired:
        server.kill()
        tally.server_kills += 1
        again = threading.Timer(dice.uniform(0.0, _LONGEST_PAUSE_SECONDS), server.start)
        again.start()
        again.join()
    _, said = process.communicate()
    if process.returncode not in (0, _UNAVAILABLE):
        raise FaultError(f"{' '.join(arguments)} ended with {process.returncode}: {said.strip()}")
    return process.returncode == 0


def _start(command: list[str], place: Place) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=place.environment(),
    )


def _look(place: Place) -> None:
    """See that whatever can be read is whole."""
    try:
        opened = _open(place)
    except NotFoundError:
        return
    with closing(opened) as store, store.snapshot():
        loads = store.market.loads()
        kept = sum(count.kept for load in loads for count in load.source.files if count.table == "claims")
        if loads and len(store.market.read().claims) != kept:
            raise FaultError(f"{place.address}: the market has other claims than its loads brought")
        run = store.rings.run()
        if run is not None:
            tables = store.rings.tables()
            told = run.about["counts"]
            seen = {"rings": len(tables["rings"]), "members": len(tables["members"])}
            if run.state is not RunState.PUBLISHED or any(told[name] != seen[name] for name in seen):
                raise FaultError(f"{place.address}: run {run.run_id} is seen half: {seen}, not {told}")
        for record in store.records.current(RecordKind.RING_DECISION):
            if len(store.records.stream(record.record)) != record.version:
                raise FaultError(f"{place.address}: {record.record} has lost events")


def _open(place: Place) -> Store:
    return StoresByAddress().open(place.address, create=False)


def _is_decided(place: Place, arguments: list[str]) -> bool:
    """Say whether a decision was taken by a process that died before it could say so."""
    with closing(_open(place)) as store:
        return any(
            record.record.id == arguments[2] for record in store.records.current(RecordKind.RING_DECISION)
        )


def _compare(calm: Place, place: Place) -> None:
    """Hold a disturbed store and its run folder against the undisturbed ones."""
    for table in ("rings", "members", "buyers", "evidence", "links"):
        file = f"{table}.csv"
        if (calm.out / file).read_bytes() != (place.out / file).read_bytes():
            raise FaultError(f"{place.out / file} differs from the undisturbed run's")
    with closing(_open(calm)) as one, closing(_open(place)) as other:
        if not _same_market(one.market.read(), other.market.read()):
            raise FaultError(f"{place.address}: the market differs from the undisturbed one")
        for what in (_loads, _results, _decisions, _buyers):
            if what(one) != what(other):
                raise FaultError(
                    f"{place.address}:{what.__name__.replace('_', ' ')} differ from the undisturbed ones"
                )


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
    return [
        (store.market.buyers((buyer_id,), PLATFORM), store.market.claims_of(buyer_id, PLATFORM, 100).items)
        for buyer_id in store.market.read().buyer_ids.gather_every(50)
    ]


if __name__ == "__main__":
    try:
        main()
    except FaultError as error:
        sys.exit(str(error))
