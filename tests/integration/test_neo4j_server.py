"""The server that tests rely on is real: it keeps what it acknowledged, and knows its password."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import neo4j
import pytest
from neo4j.exceptions import Neo4jError

from neo4j_database import DATABASE, Emptying, Login, count_nodes
from neo4j_server import Neo4jServer, ServerError

PASSWORD = "a secret of tests"
STARTED_BY_ANOTHER = """
import sys
import time
from pathlib import Path
from neo4j_server import Neo4jServer
server = Neo4jServer(Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    with Neo4jServer(tmp_path_factory.mktemp("own"), password=PASSWORD) as started:
        yield started


def write(driver: neo4j.Driver, statement: str) -> None:
    driver.execute_query(statement, database_=DATABASE)


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_what_was_committed_survives_a_kill(server: Neo4jServer) -> None:
    with server.login.driver() as driver:
        write(driver, "UNWIND range(1, 1000) AS n CREATE (:Thing {n: n})")
    server.kill()
    assert not server.is_running
    server.start()
    with server.login.driver() as driver:
        assert count_nodes(driver) == 1000


@pytest.mark.parametrize("password", ["another", None])
def test_a_wrong_password_is_refused(server: Neo4jServer, password: str | None) -> None:
    with replace(server.login, password=password).driver() as driver, pytest.raises(Neo4jError):
        driver.verify_connectivity()


def test_a_server_dies_with_whoever_started_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTED_BY_ANOTHER, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    ) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        assert answers(port)
        starter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_cannot_start_tells_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="heap"):
        Neo4jServer(tmp_path, heap="much").start()


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_every_test_finds_the_database_empty(neo4j_server: Login, neo4j_address: str, turn: int) -> None:
    assert neo4j_address == neo4j_server.address
    with neo4j_server.driver() as driver:
        assert count_nodes(driver) == 0
        write(driver, "CREATE CONSTRAINT IF NOT EXISTS FOR (thing:Thing) REQUIRE thing.n IS UNIQUE")
        write(driver, "CREATE INDEX IF NOT EXISTS FOR (thing:Thing) ON (thing.m)")
        write(driver, "UNWIND range(1, 3000) AS n CREATE (:Thing {n: n})-[:NEXT]->(:Thing)")


def test_a_schema_unlike_the_one_before_is_dropped(neo4j_server: Login) -> None:
    with neo4j_server.driver() as driver:
        emptying = Emptying(driver)
        write(driver, "CREATE CONSTRAINT IF NOT EXISTS FOR (thing:Thing) REQUIRE thing.n IS UNIQUE")
        emptying.empty()
        assert names_of_schema(driver) == []
        write(driver, "CREATE CONSTRAINT only FOR (thing:Thing) REQUIRE thing.n IS UNIQUE")
        emptying.empty()
        assert names_of_schema(driver) == []
        write(driver, "CREATE CONSTRAINT only FOR (thing:Thing) REQUIRE thing.n IS UNIQUE")
        emptying.empty()
        assert names_of_schema(driver) == ["only"]
        write(driver, "DROP CONSTRAINT only")
        write(driver, "CREATE INDEX another FOR (thing:Thing) ON (thing.n)")
        emptying.empty()
        assert names_of_schema(driver) == []


def names_of_schema(driver: neo4j.Driver) -> list[str]:
    records, _, _ = driver.execute_query(
        "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name", database_=DATABASE
    )
    return [record["name"] for record in records]
