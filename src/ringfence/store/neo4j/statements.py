"""Every statement sent to Neo4j, read from `cypher/`: named, with a line that says why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

_NAME = re.compile(r"^// name: (\w+)$", re.MULTILINE)
_FRAGMENT = re.compile(r"<<(\w+)>>")
_FRAGMENTS = "fragments.cypher"
"""What several statements say, by name; `<<name>>` stands for it."""
_ALLOWS = re.compile(r"^allows (\w+): (.+)$")


@dataclass(frozen=True)
class Statement:
    """One statement."""

    name: str
    subject: str
    """The stem of its file."""
    why: str
    """What the lines after its name say."""
    allows: Mapping[str, str]
    """Operators of its plan that would otherwise be taken for a mistake, and why they are none."""
    text: str


@cache
def statements() -> Mapping[str, Statement]:
    """Give all statements by name, file by file, as they stand there.

    Raises ValueError for a statement without a reason, of a name that another has, or with an unknown
    fragment.
    """
    found: dict[str, Statement] = {}
    for file in sorted(_folder().iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".cypher") or file.name == _FRAGMENTS:
            continue
        for statement in parse(file.name.removesuffix(".cypher"), file.read_text("utf-8"), fragments()):
            if statement.name in found:
                raise ValueError(f"{file.name}: there is another statement {statement.name}")
            found[statement.name] = statement
    return MappingProxyType(found)


@cache
def fragments() -> Mapping[str, str]:
    """Give what several statements say, by name."""
    source = (_folder() / _FRAGMENTS).read_text("utf-8")
    return MappingProxyType({each.name: each.text for each in parse("fragments", source, {})})


def _folder() -> Traversable:
    """Find `cypher`: beside the package where it is installed, at the top of a checkout otherwise."""
    installed = files("ringfence") / "cypher"
    return installed if installed.is_dir() else Path(__file__).parents[4] / "cypher"


def parse(subject: str, source: str, known: Mapping[str, str]) -> list[Statement]:
    """Read the statements of one file, with the fragments that are known by name.

    Raises ValueError for a statement without a reason or a text, or with an unknown fragment.
    """
    pieces = _NAME.split(source)[1:]
    bodies = zip(pieces[::2], pieces[1::2], strict=True)
    return [_statement(subject, name, body, known) for name, body in bodies]


def _statement(subject: str, name: str, body: str, known: Mapping[str, str]) -> Statement:
    lines = body.strip().splitlines()
    said = [line.removeprefix("//").strip() for line in lines if line.startswith("//")]
    allows = {match[1]: match[2] for line in said if (match := _ALLOWS.match(line))}
    why = " ".join(line for line in said if not _ALLOWS.match(line))
    text = "\n".join(line for line in lines if not line.startswith("//")).strip()
    if not why or not text:
        raise ValueError(f"{subject}.cypher: {name} lacks a reason or a statement")
    if unknown := set(_FRAGMENT.findall(text)) - set(known):
        raise ValueError(f"{subject}.cypher: {name} names fragments that do not exist: {sorted(unknown)}")
    return Statement(name, subject, why, allows, _FRAGMENT.sub(lambda match: known[match[1]], text))
