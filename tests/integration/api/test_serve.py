"""The server as others run it: a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
from api_samples import OPERATOR, fill

from ringfence.api.server import PortTakenError, address_of, listen
from ringfence.domain.errors import InvalidError, UnavailableError
from ringfence.domain.scope import Role
from ringfence.intake import PseudonymKey
from ringfence.services.audit import verify_audit
from ringfence.services.manage_keys import create_key
from ringfence.store.sqlite import SqliteStore

_ENOUGH_SECONDS = 240


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ringfence", *map(str, arguments)]


@contextmanager
def running(folder: Path, *arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server, give it with its first line of words, and see that it ends."""
    environment = os.environ | {"RINGFENCE_KEY_FILE": str(folder / "key")}
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=_ENOUGH_SECONDS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("served") / "store.sqlite"
    opened = SqliteStore(path)
    fill(opened)
    _, token = create_key(opened, OPERATOR, "ana", Role.INVESTIGATOR, None, 1, time.time_ns() // 1_000)
    opened.close()
    return path, token


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_server_answers_until_it_is_told_to_stop(store: tuple[Path, str], stop: signal.Signals) -> None:
    path, token = store
    with running(path.parent, "serve", "--store", path, "--port", "0") as (process, said):
        address = said.split()[1]
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
            answer = client.post(address, json={"query": "{ rings(first: 5) { totalCount } }"})
            assert answer.json()["data"] == {"rings": {"totalCount": 2}}
            assert "server" not in answer.headers
            assert client.get(address.replace("graphql", "readyz")).json()["lastRunId"] == 2
            begun = time.monotonic()
            # The connection stays open meanwhile.
            process.send_signal(stop)
            _, log = process.communicate(timeout=_ENOUGH_SECONDS)
        assert time.monotonic() - begun < 10
    assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [("/graphql", 200), ("/readyz", 200)]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    finished = subprocess.run(
        command("serve", "--store", tmp_path / "none.sqlite", "--port", "0"),
        capture_output=True, text=True, timeout=_ENOUGH_SECONDS, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert "ringfence load" in finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0, behind_proxy=False) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} .* --port"):
            listen("127.0.0.1", port, behind_proxy=False)
    with listen("127.0.0.1", port, behind_proxy=False) as free:
        assert address_of(free) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(InvalidError, match="--behind-proxy"):
        listen(host, 0, behind_proxy=False)


def test_behind_a_proxy_any_address_of_this_machine_may_be_taken() -> None:
    with listen("0.0.0.0", 0, behind_proxy=True) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"
    with pytest.raises(UnavailableError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0, behind_proxy=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.5"])
def test_loopback_has_many_names(host: str) -> None:
    with listen(host, 0, behind_proxy=False) as listener:
        assert isinstance(listener, socket.socket)


def test_a_demonstration_is_served_with_a_key(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    arguments = ("demo", "--serve", "--port", "0", "--buyers", "1500", "--out", folder, "--quiet", "--json")
    with running(tmp_path, *arguments) as (process, line):
        assert process.stdout is not None
        text = line
        while not text.endswith("}\n") or text.count("{") != text.count("}"):
            read = process.stdout.readline()
            assert read, process.communicate()[1]
            text += read
        told = json.loads(text)
        with httpx.Client(headers={"Authorization": f"Bearer {told['key']}"}) as client:
            ask = "{ rings(first: 3) { totalCount nodes { ringId members(first: 1) { totalCount } } } }"
            rings = client.post(told["url"], json={"query": ask}).json()["data"]["rings"]
        assert rings["totalCount"] == told["counts"]["rings"] > 0
        assert told["key"] in told["curl"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(_ENOUGH_SECONDS) == 0
    assert (folder / "store.sqlite").is_file()


def test_a_demonstration_clears_away_no_store_but_its_own(tmp_path: Path) -> None:
    place = tmp_path / "store.sqlite"
    place.write_bytes(b"precious")
    command = [sys.executable, "-m", "ringfence", "demo", "--out", str(tmp_path), "--quiet"]
    environment = os.environ | {"RINGFENCE_KEY_FILE": str(tmp_path / "key")}
    told = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert told.returncode == 2
    assert "--out" in told.stderr
    assert place.read_bytes() == b"precious"
    assert not (tmp_path / "marketplace").exists()


def test_what_was_answered_is_in_the_audit_though_the_server_is_killed(store: tuple[Path, str]) -> None:
    path, token = store
    answered: list[str] = []

    def ask_on(number: int, url: str) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            for turn in count():
                purpose = f"question {number}.{turn}"
                try:
                    query = {"query": '{ buyer(id: "b1") { orders } }'}
                    response = client.post(url, json=query, headers={"X-Purpose": purpose})
                except httpx.HTTPError:
                    return
                assert response.status_code == 200
                answered.append(purpose)

    with running(path.parent, "serve", "--store", path, "--port", "0") as (process, said):
        url = said.split()[1]
        with ThreadPoolExecutor(6) as threads:
            asking = [threads.submit(ask_on, number, url) for number in range(6)]
            while len(answered) < 50 and not any(one.done() for one in asking):
                time.sleep(0.01)
            process.kill()
            for one in asking:
                one.result()
    opened = SqliteStore(path, create=False)
    try:
        kept = set()
        for head in opened.audit.heads():
            for sealed in opened.audit.read(head.chain, 0, 100_000):
                kept.add(sealed.entry.purpose if sealed.entry else None)
        assert len(answered) >= 50
        assert set(answered) <= kept
        key = PseudonymKey.load_or_create(path.parent / "key").derive("audit")
        assert verify_audit(opened, OPERATOR, key).broken == ()
    finally:
        opened.close()
