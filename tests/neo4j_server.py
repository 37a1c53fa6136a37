"""A real Neo4j Community server for tests, started from the published jars.

`python tests/neo4j_server.py` only fetches the jars.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

from neo4j.exceptions import AuthError, DriverError, Neo4jError
from platformdirs import user_cache_path

from neo4j_database import DATABASE, USER, Login

DEFAULT_VERSION = "5.26.31"

_START_SECONDS = 180.0
_STOP_SECONDS = 60.0
_FETCH_SECONDS = 900.0
_POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>neo4j-server</artifactId><version>1</version>
<dependencies><dependency>
<groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version>
</dependency></dependencies></project>
"""
_CONFIGURATION = {
    "server.directories.data": "{folder}/data",
    "server.directories.logs": "{folder}/logs",
    "server.directories.import": "{folder}/import",
    "server.directories.plugins": "{folder}/plugins",
    "server.bolt.listen_address": "127.0.0.1:{port}",
    "server.bolt.advertised_address": "127.0.0.1:{port}",
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "server.memory.heap.initial_size": "{heap}",
    "server.memory.heap.max_size": "{heap}",
    "server.memory.pagecache.size": "{pagecache}",
    "dbms.security.auth_enabled": "{auth}",
    "dbms.security.auth_lock_time": "0s",
    "dbms.usage_report.enabled": "false",
    "db.tx_log.preallocate": "false",
    "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
    "server.config.strict_validation.enabled": "false",
}
QUICK_TO_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""What lets Java start in half the time and run more slowly; benchmarks leave it out."""
_TELL_PID_AND_BECOME = 'echo $$; exec "$@" >&2'
_KILL_WHEN_ALONE = "read -r pid && ! read -r _ && kill -KILL $pid"


class ServerError(Exception):
    """The server, or what it needs, is not there; the message says why and what to do."""


def version_wanted() -> str:
    """Give the version of Neo4j that tests use."""
    return os.environ.get("RINGFENCE_NEO4J_VERSION") or DEFAULT_VERSION


def jars(version: str) -> Path:
    """Give the folder of the server's jars, fetched by Maven where they are not kept yet.

    Any number of processes may ask at once: one fetches, and the folder appears whole or not at all.
    """
    kept = user_cache_path("ringfence-tests") / "neo4j"
    folder = kept / version
    if folder.is_dir():
        return folder
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for broken_off in kept.glob(f"{version}.partial.*"):
            shutil.rmtree(broken_off)
        if not folder.is_dir():
            partial = Path(tempfile.mkdtemp(prefix=f"{version}.partial.", dir=kept))
            try:
                _fetch(version, partial)
                (partial / "lib").rename(folder)
            finally:
                shutil.rmtree(partial)
    return folder


def _fetch(version: str, folder: Path) -> None:
    (folder / "pom.xml").write_text(_POM.format(version=version), encoding="utf-8")
    command = [
        _program("mvn", "maven"),
        "--batch-mode",
        "--no-transfer-progress",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder / 'lib'}",
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_FETCH_SECONDS,
    )
    if done.returncode or not list((folder / "lib").glob(f"neo4j-{version}.jar")):
        raise ServerError(f"Maven could not fetch Neo4j {version}:\n{_last_lines(done.stdout)}")


def _program(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ServerError(
            f"{name} is missing, and tests need a Neo4j server: install {package} "
            "(apt-get install openjdk-17-jre-headless maven), or name a server that runs already "
            "in RINGFENCE_TEST_NEO4J."
        )
    return path


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin", "java")) if home else _program("java", "openjdk-17-jre-headless")


def _last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-30:])


class Neo4jServer:
    """One server with its own data folder, to start, stop, kill and start again at the same address.

    It never outlives the process that started it, however that ends.
    """

    def __init__(
        self,
        folder: Path,
        *,
        password: str | None = None,
        heap: str = "512m",
        pagecache: str = "128m",
        version: str | None = None,
        java_options: Sequence[str] = QUICK_TO_START,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder.resolve()
        """Holds data, logs and configuration; what is in it is found again after a restart."""
        self.version = version or version_wanted()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.login = Login(f"bolt://127.0.0.1:{self.port}", USER, password)
        self._heap, self._pagecache = heap, pagecache
        self._java_options = tuple(java_options)
        self._settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Neo4jServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def address(self) -> str:
        """Such as bolt://127.0.0.1:7687."""
        return self.login.address

    @property
    def pid(self) -> int:
        """Of the server's process."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and come back when it answers queries; raises ServerError with the log's end."""
        if self.is_running:
            raise ServerError("the server runs already")
        main_class = "CommunityEntryPoint" if self.version.startswith("5.") else "Neo4jCommunity"
        command = [
            _java(),
            f"-Xmx{self._heap}",
            *self._java_options,
            "-cp",
            f"{jars(self.version)}/*",
            f"org.neo4j.server.{main_class}",
            f"--home-dir={self.folder}",
            f"--config-dir={self._configured()}",
            "--console-mode",
        ]
        self._launch(command)
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it as an operator would, and come back when it has ended."""
        process = self._running()
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerError(
                f"the server did not stop within {_STOP_SECONDS:.0f} s:\n{self.log()}"
            ) from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            os.close(self._lifeline)
            self._guard = None

    def log(self) -> str:
        """Give the last lines the server printed."""
        return _last_lines((self.folder / "console.log").read_text(encoding="utf-8", errors="replace"))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerError("the server was not started")
        return self._process

    def _configured(self) -> Path:
        configuration = self.folder / "conf"
        for folder in (configuration, self.folder / "import", self.folder / "plugins"):
            folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name}={value}\n" for name, value in (_CONFIGURATION | self._settings).items())
        (configuration / "neo4j.conf").write_text(
            text.format(
                folder=self.folder,
                port=self.port,
                heap=self._heap,
                pagecache=self._pagecache,
                auth="false" if self.login.password is None else "true",
            ),
            encoding="utf-8",
        )
        return configuration

    def _launch(self, command: list[str]) -> None:
        # The guard reads the server's pid from a pipe and kills it when the pipe's last writer, this process,
        # is gone. What becomes the server writes the pid itself, so there is no moment without a guard.
        reader, self._lifeline = os.pipe()
        self._guard = subprocess.Popen(["sh", "-c", _KILL_WHEN_ALONE], stdin=reader, start_new_session=True)
        os.close(reader)
        with (self.folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _TELL_PID_AND_BECOME, "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=self._lifeline,
                stderr=log,
                start_new_session=True,
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self._running().poll() is not None:
                raise ServerError(f"Neo4j {self.version} did not start:\n{self.log()}")
            try:
                self._ask()
                return
            except (DriverError, Neo4jError) as error:
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"Neo4j {self.version} gave no answer in {_START_SECONDS:.0f} s: {error}\n"
                        f"{self.log()}"
                    ) from error
            time.sleep(0.1)

    def _ask(self) -> None:
        try:
            with self.login.driver(max_transaction_retry_time=0) as driver:
                driver.execute_query("RETURN 1", database_=DATABASE)
        except AuthError:
            self._set_first_password()

    def _set_first_password(self) -> None:
        try:
            with Login(self.address, USER, "neo4j").driver() as driver:
                driver.execute_query(
                    "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password",
                    password=self.login.password,
                    database_="system",
                )
        except AuthError as error:
            raise ServerError(f"{self.folder} holds a database with another password") from error


if __name__ == "__main__":
    try:
        print(jars(version_wanted()))
    except ServerError as error:
        sys.exit(f"{error}")
