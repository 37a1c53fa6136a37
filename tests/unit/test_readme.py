"""What the README promises is what there is."""

import re
from dataclasses import fields
from pathlib import Path

from graphql import build_schema, parse, validate

from ringfence.api.schema import schema_text
from ringfence.cli.main import application
from ringfence.domain.policy import Policy
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Role
from ringfence.generator import ExtraLookalike, ExtraPattern
from ringfence.intake.tables import TABLES
from ringfence.market.results import SCHEMAS
from ringfence.risk.signals import SIGNALS
from ringfence.rules import policy_as_text
from ringfence.settings import Settings

KEPT_IN_A_STORE_ALONE = ("risks",)
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def rows_of_tables() -> dict[str, str]:
    return {
        match[1]: match[2] for match in re.finditer(r"^\| ([\w.]+)[^|]* \| (.+) \|$", README, re.MULTILINE)
    }


def test_every_input_column_and_word_is_documented() -> None:
    documented = rows_of_tables()
    for name, table in TABLES.items():
        for column in table.columns:
            assert re.search(rf"\b{column.name}\b", documented[name]), f"{name}.{column.name}"
            if name == "claims":
                assert all(word in documented[name] for word in column.words)


def test_every_output_column_is_documented() -> None:
    documented = rows_of_tables()
    for table, columns in SCHEMAS.items():
        if table in KEPT_IN_A_STORE_ALONE:
            assert f"{table}.csv" not in documented
            continue
        for column in columns:
            assert re.search(rf"\b{column}\b", documented[f"{table}.csv"]), f"{table}.{column}"


def test_every_extra_of_the_generator_is_documented() -> None:
    documented = rows_of_tables()
    for kind, extras in (("ring", ExtraPattern), ("honest", ExtraLookalike)):
        for extra in extras:
            assert documented[extra].startswith(f"{kind} | ")


def test_every_setting_is_documented() -> None:
    for field in fields(Settings):
        assert f"| RINGFENCE_{field.name.upper()} |" in README


def test_every_number_of_the_policy_is_documented_as_it_is_built_in() -> None:
    row = ""
    for line in policy_as_text(Policy()).splitlines():
        if line.startswith("["):
            (row,) = (each for each in README.splitlines() if each.startswith(f"| {line} |"))
        elif row and line and not line.startswith("#"):
            assert f"`{line}`" in row, row


def test_every_signal_of_a_risk_is_explained_in_its_own_words() -> None:
    for signal in SIGNALS:
        assert f"\n| {signal.__name__} | {signal.__doc__} |\n" in README


def test_every_command_is_shown() -> None:
    for command in application.registered_commands:
        assert command.callback is not None
        assert f"ringfence {command.callback.__name__}" in README
    for group in application.registered_groups:
        assert f"ringfence {group.name} " in README


def test_every_question_and_change_over_graphql_is_named() -> None:
    schema = build_schema(schema_text())
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    for name in {*schema.query_type.fields, *schema.mutation_type.fields} - {"version"}:
        assert f"`{name}`" in README, name


def test_every_role_and_every_kind_of_decision_is_named() -> None:
    for word in (*Role, *Outcome):
        assert re.search(rf"\b{word}", README, re.IGNORECASE), word


def test_every_query_shown_is_valid() -> None:
    schema = build_schema(schema_text())
    shown = re.findall(r"```graphql\n(.+?)```", README, re.DOTALL)
    shown += re.findall(r'\{"query": "(.+?)"\}', README)
    assert len(shown) == 8
    for query in shown:
        assert validate(schema, parse(query)) == [], query
