from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.policy import RISING, OneOf, Policy, ReportPolicy, VerificationPolicy, Within
from ringfence.rules import PolicyFileError, differences, policy_as_text, read_policy

SECTIONS: dict[str, Any] = {
    section.name: type(getattr(Policy(), section.name))
    for section in fields(Policy)
    if is_dataclass(getattr(Policy(), section.name))
}
KEYS = [(section, key.name) for section, kind in SECTIONS.items() for key in fields(kind)]


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "policy.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def problems(folder: Path, content: str | bytes) -> tuple[str, ...]:
    with pytest.raises(PolicyFileError) as refused:
        read_policy(written(folder, content))
    assert str(refused.value).startswith(f"{folder / 'policy.toml'}: ")
    assert all(problem in str(refused.value) for problem in refused.value.problems)
    return refused.value.problems


def hint_of(section: str, key: str) -> tuple[Any, Any]:
    hint = get_type_hints(SECTIONS[section], include_extras=True)[key]
    return get_args(hint) if get_origin(hint) is Annotated else (hint, None)


def values_of(section: str, key: str) -> st.SearchStrategy[Any]:
    kind, rule = hint_of(section, key)
    match rule:
        case Within(least, most) if kind is int:
            return st.integers(int(least), int(most))
        case Within(least, most):
            return st.floats(least, most, allow_nan=False)
        case OneOf(words) if kind is str:
            return st.sampled_from(words)
        case OneOf(words):
            return st.lists(st.sampled_from(words), unique=True).map(tuple)
    return st.booleans()


def rising(policy: Policy) -> Policy:
    """Bring numbers into order that have to be."""
    for section, keys in RISING:
        values = getattr(policy, section)
        numbers = zip(keys, sorted(getattr(values, key) for key in keys), strict=True)
        policy = replace(policy, **{section: replace(values, **dict(numbers))})
    return policy


NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40).filter(
    lambda name: name == name.strip()
)
POLICIES: st.SearchStrategy[Policy] = st.builds(
    Policy,
    version=NAMES,
    **{
        section: st.builds(kind, **{key.name: values_of(section, key.name) for key in fields(kind)})
        for section, kind in SECTIONS.items()
    },
).map(lambda policy: rising(policy))


@given(POLICIES)
def test_a_policy_is_read_as_it_was_written(policy: Policy) -> None:
    with TemporaryDirectory() as folder:
        assert read_policy(written(Path(folder), policy_as_text(policy))) == policy


def test_without_a_file_all_is_as_by_default() -> None:
    assert read_policy(None) == Policy()


def test_what_a_file_leaves_out_is_as_by_default(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, 'version = "2"\n[reports]\nseveral = 3\n'))
    assert policy == Policy("2", ReportPolicy(several=3.0))
    assert isinstance(policy.reports.several, float)
    assert differences(policy) == {"reports.several": ("2.0", "3.0")}
    assert differences(Policy()) == {}


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_number_stands_in_the_text_under_its_meaning_and_has_bounds(section: str, key: str) -> None:
    lines = policy_as_text(Policy()).splitlines()
    below = lines[lines.index(f"[{section}]") :]
    (place,) = [at for at, line in enumerate(below) if line.startswith(f"{key} = ")][:1]
    assert below[place - 1].startswith("# ")
    kind, rule = hint_of(section, key)
    assert rule is not None or kind is bool


@given(st.data())
def test_every_number_can_be_set_and_is_told_from_the_default(data: st.DataObject) -> None:
    section, key = data.draw(st.sampled_from(KEYS))
    default = getattr(getattr(Policy(), section), key)
    value = data.draw(values_of(section, key).filter(lambda value: value != default))
    policy = rising(replace(Policy("2"), **{section: replace(getattr(Policy(), section), **{key: value})}))
    with TemporaryDirectory() as folder:
        told = read_policy(written(Path(folder), policy_as_text(policy)))
    moved = {f"{place}.{other}" for place, others in RISING for other in others}
    assert f"{section}.{key}" in moved or list(differences(told)) == [f"{section}.{key}"]
    assert value in [getattr(getattr(told, section), other.name) for other in fields(SECTIONS[section])]
    assert told.fingerprint != Policy("2").fingerprint == Policy().fingerprint


def test_decisions_name_the_version_and_the_numbers() -> None:
    policy = Policy("2026-11")
    assert policy.name == f"2026-11 ({policy.fingerprint})"
    assert len(policy.fingerprint) == 12


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        'reprts = 3\nversion = ""\ncases = 3\n[reports]\nwindowdays = 3\nseveral = -1\n'
        '[recovery]\npayer = "me"',
    )
    assert told == (
        "version is empty; write one",
        "reprts is no section of a policy; write reports, or leave it out",
        "reports.windowdays is no key of a policy; write window_days, or leave it out",
        "reports.several = -1 is out of range; write a number from 0.01 to 1,000",
        "cases = 3 is no section; write [cases], and its keys below",
        'recovery.payer = "me" is unknown; write one of "platform", "buyer"',
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("window_days = 0", "window_days = 0 is out of range; write a whole number from 1 to 3,650"),
        ("window_days = -5", "is out of range"),
        ("window_days = 3651", "is out of range"),
        ("window_days = 180.0", "window_days = 180.0 is not a whole number; write one from 1 to 3,650"),
        ("window_days = true", "window_days = true is not a whole number"),
        ('window_days = "180"', 'window_days = "180" is not a whole number'),
        ("window_days = [180]", "window_days = [180] is not a whole number"),
        ("window_days = 2026-11-01", "window_days = 2026-11-01 is not a whole number"),
        (f"window_days = 0x{'f' * 5000}", "a number beyond all bounds is out of range"),
        (f"window_days = {'9' * 5000}", "it holds a number of thousands of digits"),
        ("several = nan", "several = nan is out of range; write a number from 0.01 to 1,000"),
        ("several = inf", "several = inf is out of range"),
        ("several = 1e999", "several = inf is out of range"),
        ("several = 0", "several = 0 is out of range"),
        ("several = false", "several = false is not a number"),
        ("several = {a = 1}", "several = {…} is not a number"),
        (f'several = "{"x" * 500}"', f'several = "{"x" * 59}… is not a number'),
        (f"several = [{'1, ' * 500}]", "several = [1, 1, 1, 1, 1, …] is not a number"),
        ("together = 1", "together = 1 is out of range"),
        ('"\\u0000 x" = 1', 'reports."\\u0000 x" is no key of a policy; there are reportable_days'),
    ],
)
def test_a_number_that_cannot_be_is_told_with_what_to_write(tmp_path: Path, line: str, problem: str) -> None:
    (told,) = problems(tmp_path, f'version = "2"\n[reports]\n{line}\n')
    assert problem in told


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("[recovery]\nshare_percent = 100.1", "share_percent = 100.1 is out of range"),
        ("[recovery]\nshare_percent = -0.1", "write a number from 0 to 100"),
        ("[recovery]\npayer = true", 'payer = true is unknown; write one of "platform", "buyer"'),
        ("[recovery]\npayer = []", "payer = [] is unknown"),
        ("[cases]\nsecond_person_to_confirm = 1", "= 1 is neither true nor false; write one of them"),
        ('[cases]\nsecond_person_to_confirm = "true"', "is neither true nor false"),
        ('[verification]\nsecond_person_outcomes = "confirmed"', "is no list; write one, such as"),
        ('[verification]\nsecond_person_outcomes = ["guilty"]', 'may name each of "confirmed"'),
        ('[verification]\nsecond_person_outcomes = ["rejected", "rejected"]', "once, and nothing else"),
        ("[verification]\nsecond_person_outcomes = [[1], {}]", "= [[1], {…}] may name each of"),
        ("[[verification]]\n", "verification = [{…}] is no section"),
        ("[reports.more]\n", "reports.more is no key of a policy"),
    ],
)
def test_a_word_or_list_that_cannot_be_is_told_with_what_to_write(
    tmp_path: Path, lines: str, problem: str
) -> None:
    (told,) = problems(tmp_path, f'version = "2"\n{lines}\n')
    assert problem in told


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("", "version is missing; name this version of the numbers"),
        ("version = 2", "version = 2 is no text; write it in quotes"),
        ('version = "  "', "version is empty; write one"),
        (f'version = "{"v" * 41}"', "version has 41 characters; at most 40 are kept"),
        ('version = "a\\nb"', "version has more than one line"),
        ('version = "\\u0007"', "version holds characters that cannot be shown"),
    ],
)
def test_a_policy_has_a_name_that_people_can_read(tmp_path: Path, version: str, problem: str) -> None:
    (told,) = problems(tmp_path, f"{version}\n[reports]\nseveral = 3\n")
    assert told.startswith(problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'version = "2"\n\n# \xff', "line 3 is not UTF-8; save the file as UTF-8"),
        ('version = "2"\n\n[reports\n', "it is not TOML: .*line 3"),
        ('version = "2"\nversion = "3"\n', "it is not TOML: Cannot overwrite"),
        (f"a = {'[' * 10_000}", "nests lists or tables too deep"),
        (b"#" * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_what_is_no_policy_file_at_all_is_told_with_its_line(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    with pytest.raises(PolicyFileError, match=problem):
        read_policy(written(tmp_path, content))


def test_numbers_that_contradict_each_other_are_told_where_one_of_them_is_by_default(tmp_path: Path) -> None:
    assert problems(tmp_path, "[risk]\nmedium_percent = 60\n") == (
        'version is missing; name this version of the numbers, as in version = "2026-11"',
        "risk.medium_percent = 60.0 is more than high_percent = 50.0; raise high_percent",
    )
    level = 'version = "2"\n[risk]\nbase_percent = 50\nmedium_percent = 50\n'
    assert read_policy(written(tmp_path, level)).risk.base_percent == 50.0


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"missing\.toml: it cannot be read \(No such file"):
        read_policy(tmp_path / "missing.toml")
    with pytest.raises(PolicyFileError, match=r"it cannot be read \(Is a directory"):
        read_policy(tmp_path)


def test_files_of_other_editors_are_read(tmp_path: Path) -> None:
    policy = read_policy(
        written(tmp_path, b'\xef\xbb\xbfversion = "2"\r\n[verification]\r\nappeal_days = 7\r\n')
    )
    assert policy == Policy("2", verification=VerificationPolicy(appeal_days=7))


VALUES = st.sampled_from(
    [
        "0",
        "-1",
        "1e400",
        "nan",
        "true",
        '""',
        '"\\u007f"',
        "[]",
        "[[]]",
        "{}",
        "1979-05-27",
        "07:32:00",
        "'x'",
        "0b1",
    ]
)


@given(st.lists(st.tuples(st.integers(0, 10**6), VALUES | st.text(max_size=5)), min_size=1, max_size=5))
def test_whatever_a_file_says_is_read_or_refused_with_what_is_wrong(changes: list[tuple[int, str]]) -> None:
    lines = policy_as_text(Policy("2")).splitlines()
    for place, value in changes:
        key, sign, _ = lines[place % len(lines)].partition(" = ")
        lines[place % len(lines)] = f"{key} = {value}" if sign else value
    with TemporaryDirectory() as folder:
        path = written(Path(folder), "\n".join(lines).encode("utf-8", "replace"))
        try:
            policy = read_policy(path)
        except PolicyFileError as error:
            told = error.problems
        else:
            told = ("nothing is wrong",)
            assert read_policy(written(Path(folder), policy_as_text(policy))) == policy
    assert told
    assert all(told)
