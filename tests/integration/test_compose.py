"""docker-compose.yml is well formed, its services are confined, and together they do what they should."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from compose_spec import PyCompose
from composed import ENOUGH_SECONDS, Composed, Service, stays

from neo4j_server import DEFAULT_VERSION

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    """The services by name, all variables put in and all that is shared written out."""
    told = subprocess.run(
        [sys.executable, "-m", "podman_compose", "--dry-run", "-f", ROOT / "docker-compose.yml", "config"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"RINGFENCE_DEMO_BUYERS": "500"},
    )
    whole = PyCompose.from_yaml(told.stdout)
    whole.validate()
    found: dict[str, Service] = whole.to_dict()["services"]
    return found


def test_every_service_is_confined(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert service["user"] == "7474:7474", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only", False) == (name != "neo4j"), name
        assert not {"privileged", "cap_add", "pid", "ipc"} & service.keys(), name


def test_only_this_machine_reaches_it_and_only_the_api(services: dict[str, Service]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8410:8410"]}
    outward = {name for name, service in services.items() if "published" in service.get("networks", [])}
    assert outward == {"api"}


def test_every_service_that_stays_has_a_health_check_and_the_others_end(
    services: dict[str, Service],
) -> None:
    for name, service in services.items():
        assert ("healthcheck" in service) == stays(service), name
        for other, how in service.get("depends_on", {}).items():
            ended = "service_healthy" if stays(services[other]) else "service_completed_successfully"
            assert how["condition"] == ended, f"{name} on {other}"


def test_no_secret_is_in_the_file(services: dict[str, Service]) -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("/secrets/")
            assert "AUTH" not in name or value.startswith("/secrets/")


def test_the_server_is_of_the_version_that_is_tested(services: dict[str, Service]) -> None:
    minor = DEFAULT_VERSION.rpartition(".")[0]
    assert services["neo4j"]["image"] == f"neo4j:{minor}-community"


def test_the_image_gets_what_its_build_needs_and_nothing_else() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {Path(folder).parts[0] for folder in (*wheel["packages"], *wheel.get("force-include", {}))}
    assert kept == needed


@pytest.fixture(scope="module")
def composed(services: dict[str, Service], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """All services, up and healthy."""
    with socket.socket() as free, ExitStack() as stack:
        free.bind(("127.0.0.1", 0))
        made = Composed(services, tmp_path_factory.mktemp("composed"), free.getsockname()[1])
        free.close()
        stack.callback(made.down)
        made.up()
        yield made


def rings_found(composed: Composed, token: str) -> int:
    answer = httpx.post(
        f"http://127.0.0.1:{composed.port}/graphql",
        json={"query": "{ rings(first: 3) { totalCount nodes { ringId why } } }"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["rings"]["totalCount"])


def test_the_demonstration_is_loaded_detected_and_served(composed: Composed) -> None:
    create = ["ringfence", "keys", "create", "--name", "ana", "--role", "investigator", "--json"]
    token = json.loads(composed.run("api", create))["token"]
    deadline = time.monotonic() + ENOUGH_SECONDS
    while not rings_found(composed, token):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    for name in ("neo4j", "scheduler", "api"):
        assert composed.is_healthy(name), name


def test_the_secrets_are_for_their_owner_alone(composed: Composed) -> None:
    secrets = {path.name: path for path in (composed.folder / "volumes" / "secrets").iterdir()}
    assert set(secrets) == {"password", "neo4j-auth", "audit-key"}
    for path in secrets.values():
        assert path.stat().st_mode & 0o777 == 0o400
    assert len(secrets["password"].read_text()) == 64


def test_up_again_changes_nothing(composed: Composed) -> None:
    password = (composed.folder / "volumes" / "secrets" / "password").read_text()
    composed.run("secrets")
    composed.run("marketplace")
    assert "nothing to do" in composed.run("load")
    assert (composed.folder / "volumes" / "secrets" / "password").read_text() == password


def test_services_write_to_their_volumes_alone(composed: Composed) -> None:
    assert list((composed.folder / "bare").iterdir()) == []


def test_without_its_server_the_api_is_unhealthy_and_well_again_after(composed: Composed) -> None:
    assert composed.server is not None
    composed.server.kill()
    assert not composed.is_healthy("neo4j")
    assert not composed.is_healthy("api")
    composed.server.start()
    composed.wait_until_healthy("neo4j")
    composed.wait_until_healthy("api")


def test_scheduler_and_api_stop_when_told(composed: Composed) -> None:
    for name in ("scheduler", "api"):
        composed.running[name].send_signal(signal.SIGTERM)
        assert composed.running[name].wait(60) == 0
        assert not composed.is_healthy(name)
