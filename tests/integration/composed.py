"""docker-compose.yml without Docker: each service's own command, environment and health check, run here."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from neo4j_server import Neo4jServer

COMPILED = "/var/cache/ringfence"
ENOUGH_SECONDS = 240.0
Service = dict[str, Any]


def stays(service: Service) -> bool:
    """Whether it runs until it is stopped."""
    return "restart" in service


@dataclass
class Composed:
    """The services as processes: volumes are folders, ports are free ones, and Neo4j comes from its jars."""

    services: dict[str, Service]
    folder: Path
    port: int
    server: Neo4jServer | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def up(self) -> None:
        """Start all in the order they depend on each other, and wait as they do."""
        needs = {name: service.get("depends_on", {}) for name, service in self.services.items()}
        for name in TopologicalSorter(needs).static_order():
            if name == "neo4j":
                self.start_server()
            elif stays(self.services[name]):
                self.running[name] = self.start(name, self.services[name]["command"])
            else:
                self.run(name)
                continue
            self.wait_until_healthy(name)

    def start_server(self) -> None:
        """Do what the image of Neo4j does with its environment."""
        environment = dict(self.services["neo4j"]["environment"])
        user, password = Path(self.mapped("neo4j", environment.pop("NEO4J_AUTH_FILE"))).read_text().split("/")
        assert user == "neo4j"
        settings = {
            name.removeprefix("NEO4J_").replace("_", ".").replace("..", "_"): value
            for name, value in environment.items()
        }
        self.server = Neo4jServer(
            self.folder / "neo4j",
            password=password,
            settings=settings | {"server.config.strict_validation.enabled": "true"},
        )
        self.server.start()

    def start(self, name: str, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as in a service's container, with nothing of this process's environment."""
        bare = self.folder / "bare"
        bare.mkdir(exist_ok=True)
        told = self.services[name].get("environment", {})
        outside = {"HOME": str(bare), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        return subprocess.Popen(
            [self.mapped(name, word) for word in command],
            cwd=bare,
            env=outside | {key: self.mapped(name, value) for key, value in told.items()},
            stdin=subprocess.DEVNULL,
            **options,
        )

    def run(self, name: str, command: list[str] | None = None) -> str:
        """Run a command to its good end, the service's own if none is told; gives what it printed."""
        process = self.start(name, command or self.services[name]["command"], stdout=subprocess.PIPE)
        out, _ = process.communicate(timeout=ENOUGH_SECONDS)
        assert process.returncode == 0, name
        return out.decode()

    def is_healthy(self, name: str) -> bool:
        """Ask the service's own health check, as long as it may take."""
        check = self.services[name]["healthcheck"]
        kind, *command = check["test"]
        assert kind == "CMD"
        process = self.start(name, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return process.wait(timeout=float(check["timeout"].removesuffix("s"))) == 0

    def wait_until_healthy(self, name: str) -> None:
        deadline = time.monotonic() + ENOUGH_SECONDS
        while not self.is_healthy(name):
            assert time.monotonic() < deadline, name
            assert name not in self.running or self.running[name].poll() is None, name
            time.sleep(0.2)

    def mapped(self, name: str, text: str) -> str:
        """Put this machine's folders and ports in the place of the container's."""
        folders = {path: self.folder / "tmpfs" / name for path in self.services[name].get("tmpfs", [])}
        for volume in self.services[name].get("volumes", []):
            source, path = volume.split(":")[:2]
            folders[path] = self.folder / "volumes" / source
        if COMPILED in folders:
            folders[COMPILED] = Path(os.environ["NUMBA_CACHE_DIR"])
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        places = {path: str(folder) for path, folder in folders.items()} | {"8410": str(self.port)}
        if self.server is not None:
            places |= {
                "neo4j:7687": f"127.0.0.1:{self.server.port}",
                "127.0.0.1/7687": f"127.0.0.1/{self.server.port}",
            }
        inside = "|".join(map(re.escape, folders))
        others = "|".join(re.escape(place) for place in places.keys() - folders.keys())
        found = rf"(?<![\w/])(?:{inside})(?!\w)|\b(?:{others})\b" if inside else rf"\b(?:{others})\b"
        return re.sub(found, lambda match: places[match[0]], text)

    def down(self) -> None:
        """Stop what still runs, at once."""
        for process in self.running.values():
            process.kill()
            process.wait()
        if self.server is not None:
            self.server.kill()
