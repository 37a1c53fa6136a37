from pathlib import Path

import pytest

from ringfence.domain.errors import InvalidError
from ringfence.settings import Settings


def test_an_empty_environment_leaves_everything_to_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"RINGFENCE_STORE": "", "RINGFENCE_STORE_PASSWORD": ""}) == Settings()


def test_a_password_alone_is_that_of_the_user_every_neo4j_begins_with() -> None:
    settings = Settings.from_environment({"RINGFENCE_STORE_PASSWORD": "secret"})
    assert (settings.store_user, settings.store_password) == ("neo4j", "secret")


def test_a_password_is_read_from_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret\nand a remark\n", encoding="utf-8")
    environment = {"RINGFENCE_STORE_PASSWORD_FILE": str(file), "RINGFENCE_STORE_USER": "ana"}
    settings = Settings.from_environment(environment)
    assert (settings.store_user, settings.store_password) == ("ana", "secret")


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Settings(store_user="ana", store_password="secret"))


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "cannot be read"), (b"", "is empty"), (b"\xff", "cannot")]
)
def test_a_password_file_that_tells_none_is_refused(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidError, match=f"RINGFENCE_STORE_PASSWORD_FILE: .*password {problem}"):
        Settings.from_environment({"RINGFENCE_STORE_PASSWORD_FILE": str(file)})


def test_a_password_told_twice_is_refused(tmp_path: Path) -> None:
    environment = {
        "RINGFENCE_STORE_PASSWORD": "secret",
        "RINGFENCE_STORE_PASSWORD_FILE": str(tmp_path / "password"),
    }
    with pytest.raises(InvalidError, match="unset one"):
        Settings.from_environment(environment)


def test_a_store_is_copied_to_another_server_by_a_login_of_its_own_or_by_the_same() -> None:
    environment = {"RINGFENCE_STORE_USER": "ana", "RINGFENCE_STORE_PASSWORD": "secret"}
    settings = Settings.from_environment(environment)
    assert (settings.copy_user, settings.copy_password) == ("ana", "secret")
    settings = Settings.from_environment(environment | {"RINGFENCE_COPY_PASSWORD": "other"})
    assert (settings.copy_user, settings.copy_password) == ("neo4j", "other")
    assert (settings.store_user, settings.store_password) == ("ana", "secret")
