import contextlib
import csv
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from export_samples import ABOUT, TIMINGS, sample_frames
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.export import conform, read_run, read_table, run_folder, write_run, write_table
from ringfence.market.results import LEADS, SCHEMAS

awkward = st.text(
    st.one_of(st.sampled_from("'=+-@\t\r\n\",; a"), st.characters(exclude_categories=["Cs"])), max_size=6
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    frames = sample_frames()
    write_run(tmp_path / "run", frames, ABOUT, TIMINGS)
    run = read_run(tmp_path / "run")
    for table, frame in frames.items():
        assert_frame_equal(getattr(run, table), conform(table, frame), abs_tol=1e-6)
    assert run.lineage is None
    assert run.timings == TIMINGS
    assert run.run["files"] == {table: frame.height for table, frame in frames.items()}
    assert {key: run.run[key] for key in ABOUT} == ABOUT


@settings(deadline=None)
@given(st.lists(awkward, min_size=1, max_size=8))
def test_any_text_survives_a_table(texts: list[str]) -> None:
    frame = conform("buyers", pl.DataFrame({"buyer_id": texts, "score": [0.5] * len(texts)}))
    with tempfile.TemporaryDirectory() as folder:
        write_table("buyers", frame, Path(folder) / "buyers.csv")
        assert_frame_equal(read_table("buyers", Path(folder) / "buyers.csv"), frame)
        with (Path(folder) / "buyers.csv").open(encoding="utf-8", newline="") as stream:
            cells = [row[0] for row in csv.reader(stream)][1:]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


def test_numbers_stay_numbers_with_fixed_decimals(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"ring_id": "r", "buyer_id": ["a", "b", "c"], "score": [-3.0, -1e-9, 2 / 3], "why": "-x"}
    )
    write_table("members", conform("members", frame), tmp_path / "members.csv")
    assert (tmp_path / "members.csv").read_bytes() == (
        b"ring_id,buyer_id,score,why\nr,a,-3.000000,'-x\nr,b,0.000000,'-x\nr,c,0.666667,'-x\n"
    )


def test_times_are_utc_whatever_zone_they_came_in(tmp_path: Path) -> None:
    texts = ["2024-03-01T09:00:00Z", "2024-03-01T09:00:00.000250Z"]
    elsewhere = datetime(2024, 3, 1, 11, tzinfo=timezone(timedelta(hours=2))).astimezone(UTC)
    for times in (texts, [elsewhere, elsewhere + timedelta(microseconds=250)]):
        frame = sample_frames((2,), 1)["evidence"].drop("filed_at").with_columns(pl.Series("filed_at", times))
        write_table("evidence", conform("evidence", frame), tmp_path / "evidence.csv")
        with (tmp_path / "evidence.csv").open() as stream:
            assert [row["filed_at"] for row in csv.DictReader(stream)] == texts


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_run(tmp_path / name, sample_frames(), ABOUT, TIMINGS)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_new_run_replaces_the_old_one_and_leaves_an_investigators_notes(tmp_path: Path) -> None:
    write_run(tmp_path, sample_frames(), ABOUT, TIMINGS)
    (tmp_path / "notes.txt").write_text("call them")
    write_run(tmp_path, sample_frames((4,), with_links=False), ABOUT, TIMINGS)
    assert read_run(tmp_path).links is None
    assert not (tmp_path / "links.csv").exists()
    assert (tmp_path / "notes.txt").read_text() == "call them"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


class PowerCutError(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("steps", range(40))
def test_an_interrupted_write_leaves_the_old_run_or_the_new_one(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = sample_frames((5, 3)), sample_frames((4,), with_links=False)
    write_run(tmp_path, old, ABOUT, TIMINGS)
    before = contents(tmp_path)
    left = steps

    def until_the_cut(action: Callable[..., Any]) -> Callable[..., Any]:
        def maybe(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise PowerCutError
            return action(*args, **kwargs)

        return maybe

    with monkeypatch.context() as patched:
        patched.setattr(run_folder, "write_table", until_the_cut(write_table))
        for name in ("rename", "replace", "unlink", "rmdir", "write_text"):
            patched.setattr(Path, name, until_the_cut(getattr(Path, name)))
        patched.setattr(shutil, "rmtree", until_the_cut(shutil.rmtree))
        with contextlib.suppress(PowerCutError):
            write_run(tmp_path, new, ABOUT, TIMINGS)
    run = read_run(tmp_path)
    assert run.members.height == 4 or left < 0
    if run.members.height == 8:
        assert contents(tmp_path) == before
        assert run.links is not None
    else:
        assert (run.members.height, run.links) == (4, None)
    write_run(tmp_path, old, ABOUT, TIMINGS)
    assert contents(tmp_path) == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_with_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "rings.csv").write_text("mine")
    with pytest.raises(InvalidError, match="holds no run"):
        write_run(tmp_path, sample_frames(), ABOUT, TIMINGS)
    assert contents(tmp_path) == {"rings.csv": b"mine"}


def test_lineage_reads_back_as_it_was_written(tmp_path: Path) -> None:
    lineage = pl.DataFrame(
        {"ring_id": ["a"], "event": ["-merged"], "previous_ring_id": ["=b"], "common": [0.5]}
    )
    write_run(tmp_path, {**sample_frames(), "lineage": lineage}, ABOUT, TIMINGS)
    read = read_run(tmp_path).lineage
    assert read is not None
    assert read.rows() == lineage.rows()


def test_a_run_of_before_there_were_leads_reads_back(tmp_path: Path) -> None:
    frames = sample_frames()
    older = {table: frame for table, frame in frames.items() if table not in LEADS}
    write_run(tmp_path, older, ABOUT, TIMINGS)
    for table, later in (("rings", ("occasions", "method")), ("evidence", ("weak",))):
        cells = pl.read_csv(tmp_path / f"{table}.csv", infer_schema=False)
        if table == "evidence":
            cells = cells.with_columns(
                expected=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("1.0")).otherwise("expected")
            )
        cells.drop(later).write_csv(tmp_path / f"{table}.csv")
    run = read_run(tmp_path)
    assert run.rings.schema == SCHEMAS["rings"]
    assert run.rings.select("occasions", "method").rows() == [(None, "coincidence")] * 2
    assert run.evidence["weak"].to_list() == [True] + [False] * (run.evidence.height - 1)
    for table in LEADS:
        assert getattr(run, table).equals(pl.DataFrame(schema=SCHEMAS[table]))


def test_a_truth_that_is_none_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, sample_frames(), ABOUT, TIMINGS)
    path = tmp_path / "evidence.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",false\n", ",maybe\n", 1), encoding="utf-8")
    with pytest.raises(InvalidError, match="evidence has a value in weak that is no true or false"):
        read_run(tmp_path)


def test_a_run_without_rings_reads_back(tmp_path: Path) -> None:
    frames = {table: frame.clear() for table, frame in sample_frames().items()}
    write_run(tmp_path, frames, ABOUT, TIMINGS)
    assert read_run(tmp_path).rings.is_empty()


def test_frames_that_do_not_conform_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    frames = sample_frames()
    for bad, complaint in (
        ({"members": frames["members"].drop("why")}, "members has no column why"),
        ({"buyers": frames["buyers"].with_columns(score=float("nan"))}, "no finite number"),
        ({"rings": frames["rings"].with_columns(size=pl.lit("many"))}, "in size that is no number"),
        (
            {"evidence": frames["evidence"].with_columns(filed_at=pl.lit("soon"))},
            "in filed_at that is no time",
        ),
        ({"extra": frames["rings"]}, "no table extra"),
    ):
        with pytest.raises(InvalidError, match=complaint):
            write_run(tmp_path / "run", frames | bad, ABOUT, TIMINGS)
    with pytest.raises(InvalidError, match="lacks the table members"):
        write_run(tmp_path / "run", {"rings": frames["rings"]}, ABOUT, TIMINGS)
    assert not (tmp_path / "run").exists()


def test_a_missing_or_damaged_run_is_said_in_one_line(tmp_path: Path) -> None:
    def complaint() -> str:
        with pytest.raises((InvalidError, NotFoundError)) as refusal:
            read_run(tmp_path / "run")
        return str(refusal.value)

    said = [complaint()]
    (tmp_path / "run").mkdir()
    said.append(complaint())
    write_run(tmp_path / "run", sample_frames(), ABOUT, TIMINGS)
    whole = contents(tmp_path / "run")
    for name, content in (
        ("members.csv", whole["members.csv"][:200]),
        ("members.csv", whole["members.csv"].rsplit(b"\n", 2)[0] + b"\n"),
        ("rings.csv", b"\xff\xfe\x00"),
        ("buyers.csv", b""),
        ("evidence.csv", whole["evidence.csv"].replace(b"0.004000", b"often")),
        ("run.json", b"{"),
        ("run.json", b"[]"),
        ("run.json", b"{}"),
        ("timings.json", b"!"),
    ):
        (tmp_path / "run" / name).write_bytes(content)
        said.append(complaint())
        (tmp_path / "run" / name).write_bytes(whole[name])
    (tmp_path / "run" / "evidence.csv").unlink()
    said.append(complaint())
    assert not [line for line in said if "\n" in line or len(line) < 20]
