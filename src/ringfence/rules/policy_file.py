"""The policy as a file in TOML, which says only what differs from the defaults."""

import ast
import inspect
import json
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ringfence.domain import policy as domain
from ringfence.domain.errors import InvalidError
from ringfence.domain.policy import RISING, OneOf, Policy, Within
from ringfence.domain.texts import checked_text

_LONGEST_VERSION = 40
_LARGEST_FILE = 1_000_000
_LONGEST_SHOWN = 60
_MOST_SHOWN = 5
_LINE = 100
_SECTIONS = {
    section.name: type(getattr(Policy(), section.name))
    for section in fields(Policy)
    if is_dataclass(getattr(Policy(), section.name))
}


class PolicyFileError(InvalidError):
    """A policy file that says what no policy may say."""

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        super().__init__(f"{path}: {'; '.join(problems)}")
        self.path = path
        self.problems = problems
        """All there are: each names the key, the value and the remedy."""


def read_policy(path: Path | None) -> Policy:
    """Read a policy file; what it leaves out is as by default, and without a file everything is.

    Raises PolicyFileError with all that is wrong.
    """
    if path is None:
        return Policy()
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise PolicyFileError(path, (f"it cannot be read ({error.strerror or error})",)) from error
    if len(content) > _LARGEST_FILE:
        raise PolicyFileError(path, (f"it has more than {_LARGEST_FILE:,} bytes, which no policy needs",))
    try:
        # Some editors begin a file with a mark that says it is UTF-8.
        told = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyFileError(path, (f"line {line} is not UTF-8; save the file as UTF-8",)) from error
    except RecursionError as error:
        raise PolicyFileError(path, ("it nests lists or tables too deep to be a policy",)) from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyFileError(path, (f"it is not TOML: {error}",)) from error
    except ValueError as error:
        raise PolicyFileError(path, ("it holds a number of thousands of digits",)) from error
    problems: list[str] = []
    made = _policy(told, problems)
    if problems:
        raise PolicyFileError(path, tuple(problems))
    return made


def policy_as_text(policy: Policy) -> str:
    """Write a whole policy as a file that `read_policy` reads, each key under what it means."""
    about = _explanations()
    lines = [*_comment(about["Policy"]["version"]), f"version = {_written(policy.version)}"]
    for section in _SECTIONS:
        values = getattr(policy, section)
        kind = type(values)
        lines += ["", *_comment(inspect.getdoc(kind) or ""), f"[{section}]"]
        for key in fields(kind):
            lines += _comment(about[kind.__name__][key.name])
            lines.append(f"{key.name} = {_written(getattr(values, key.name))}")
    return "\n".join(lines) + "\n"


def differences(policy: Policy) -> dict[str, tuple[str, str]]:
    """Give what a policy sets otherwise than by default: section.key -> (default, value), as in a file."""
    default = Policy()
    both = {
        f"{section}.{key.name}": (
            _written(getattr(getattr(default, section), key.name)),
            _written(getattr(getattr(policy, section), key.name)),
        )
        for section, kind in _SECTIONS.items()
        for key in fields(kind)
    }
    return {key: (by_default, value) for key, (by_default, value) in both.items() if by_default != value}


def _policy(told: Mapping[str, Any], problems: list[str]) -> Policy:
    known = ("version", *_SECTIONS)
    version = _version(told, problems)
    problems += [
        f"{_named(name)} is no section of a policy{_did_you_mean(name, known)}"
        for name in told
        if name not in known
    ]
    sections = {name: _section(name, kind, told.get(name, {}), problems) for name, kind in _SECTIONS.items()}
    for name, keys in RISING:
        for before, after in pairwise(keys):
            least, most = (getattr(sections[name], key) for key in (before, after))
            if least > most:
                problems.append(f"{name}.{before} = {least} is more than {after} = {most}; raise {after}")
    return Policy(version=version, **sections)


def _version(told: Mapping[str, Any], problems: list[str]) -> str:
    version = told.get("version")
    if version is None:
        problems.append('version is missing; name this version of the numbers, as in version = "2026-11"')
    elif not isinstance(version, str):
        problems.append(f'version = {_shown(version)} is no text; write it in quotes, as in "2026-11"')
    elif "\n" in version or "\t" in version:
        problems.append("version has more than one line or word; write a short name")
    else:
        try:
            return checked_text(version, "version", _LONGEST_VERSION)
        except InvalidError as error:
            problems.append(str(error).removesuffix("."))
    return ""


def _section(name: str, kind: type, told: Any, problems: list[str]) -> Any:
    if not isinstance(told, dict):
        problems.append(f"{name} = {_shown(told)} is no section; write [{name}], and its keys below")
        return kind()
    hints = get_type_hints(kind, include_extras=True)
    own = [
        f"{name}.{_named(key)} is no key of a policy{_did_you_mean(key, tuple(hints))}"
        for key in told
        if key not in hints
    ]
    values = {}
    for key, value in told.items():
        if key not in hints:
            continue
        problem, values[key] = _checked(hints[key], value)
        if problem:
            own.append(f"{name}.{key} = {_shown(value)} {problem}")
    problems += own
    return kind() if own else kind(**values)


def _checked(hint: Any, value: Any) -> tuple[str | None, Any]:
    """Say what is wrong with a value, and give it as the policy keeps it."""
    kind, rule = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
    match rule:
        case Within(least, most):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            what = "a whole number" if kind is int else "a number"
            if not is_number or (kind is int and not isinstance(value, int)):
                return f"is not {what}; write one from {least:,} to {most:,}", value
            if not least <= value <= most:
                return f"is out of range; write {what} from {least:,} to {most:,}", value
            return None, kind(value)
        case OneOf(words) if kind is str:
            return (None if value in words else f"is unknown; write one of {_listed(words)}"), value
        case OneOf(words):
            if not isinstance(value, list):
                return f"is no list; write one, such as [{_written(words[0])}], of {_listed(words)}", value
            unknown = [word for word in value if word not in words]
            if unknown or len(set(value)) < len(value):
                return f"may name each of {_listed(words)} once, and nothing else", value
            return None, tuple(value)
    return (None if isinstance(value, bool) else "is neither true nor false; write one of them"), value


def _explanations() -> dict[str, dict[str, str]]:
    """Give the text under each field of the policy's classes, by the names of both."""
    tree = ast.parse(inspect.getsource(domain))
    return {kind.name: dict(_texts(kind)) for kind in tree.body if isinstance(kind, ast.ClassDef)}


def _texts(kind: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(kind.body, kind.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _LINE, initial_indent="# ", subsequent_indent="# ")


def _written(value: Any) -> str:
    """Write a value as TOML has it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"[{', '.join(map(_written, value))}]"
    return repr(value)


def _shown(value: Any) -> str:
    """Write what stands in a file for a message: what is long in part, a table as such."""
    match value:
        case dict():
            return "{…}"
        case list():
            return f"[{', '.join(map(_shown, value[:_MOST_SHOWN]))}{', …' * (len(value) > _MOST_SHOWN)}]"
        case date() | time():
            return str(value)
        case int() if value.bit_length() > _LONGEST_SHOWN:
            return "a number beyond all bounds"
    written = _written(value)
    return written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}…"


def _named(name: str) -> str:
    return name if name.replace("_", "").isalnum() and len(name) <= _LONGEST_SHOWN else _shown(name)


def _did_you_mean(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, 1)
    return f"; write {near[0]}, or leave it out" if near else f"; there are {', '.join(known)}"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(map(_written, words))
