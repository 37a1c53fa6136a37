import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from export_samples import sample_run
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.export import RunFolder, render_page, write_page
from ringfence.export.ring_drawing import choose_rows

SHARE = {"value": 0.9, "low": 0.8, "high": 0.95, "hits": 9, "total": 10}
NO_SHARE = {"value": None, "low": None, "high": None, "hits": 0, "total": 0}
FIGURES: dict[str, Any] = {
    "base_rate": 0.1,
    "average_precision": 0.98765,
    "roc_auc": None,
    "precision_at": {"100": 0.97, "1000": None},
    "precision": SHARE,
    "recall": SHARE | {"value": 0.9999, "low": 0.9996},
    "f1": {"value": 0.9, "low": 0.8, "high": 0.95},
    "ring_recall": NO_SHARE,
    "recall_by_pattern": {"slow <burn>": SHARE},
    "accused_by": {"lookalike": {"family": SHARE | {"value": 0.0}}},
    "rings": {"judged": 7, "false": 1, "false_per_100k_honest_upper": 2.5},
    "notes": ["12 labelled buyers are not in the run."],
}


class Page(HTMLParser):
    """What a browser would make of a page: elements, and the text they show."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_a_page_shows_the_headline_and_every_card() -> None:
    page = Page(render_page(sample_run((5, 3)), FIGURES))
    assert page.open == []
    assert "Rings 2 in 1 network" in page.text
    assert "Members 8 of 13 buyers" in page.text
    assert "Precision 90 % 80 % to 95 %" in page.text
    assert "> 99.9 %" in page.text
    assert "1 of 7" in page.text
    assert [article["id"] for article in page.named("article")] == ["ring-1", "ring-2", "lead-1", "lead-2"]
    assert "5 buyers filed against 4 merchants within hours; they share a device." in page.text
    assert "nan" not in page.text.lower()
    assert "None" not in page.text


def test_a_page_needs_nothing_but_itself() -> None:
    text = render_page(sample_run(), FIGURES)
    assert "//" not in re.sub(r"<!doctype html>", "", text)
    assert not re.search(r"<(script|link|img|iframe|object|embed|form)\b|@import|url\(|\bon\w+=", text)
    page = Page(text)
    assert "default-src 'none'" in str(page.named("meta"))
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [str(attributes["href"]) for attributes in page.named("a")]
    assert links
    assert {link.removeprefix("#") for link in links} <= targets


def test_ids_on_a_page_are_unique_and_each_drawing_is_described() -> None:
    page = Page(render_page(sample_run((5, 3, 4)), FIGURES))
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    drawings = [svg for svg in page.named("svg") if svg.get("aria-hidden") != "true"]
    assert len(drawings) == 2 + 2 * 3
    for svg in drawings:
        assert svg["role"] == "img"
        assert {*str(svg["aria-labelledby"]).split()} <= set(ids)


HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror='alert(2)' \"&"


def test_hostile_text_is_shown_and_never_run() -> None:
    run = sample_run((3,), 2, HOSTILE)
    run = replace(
        run,
        rings=run.rings.with_columns(
            why=pl.lit(HOSTILE), network_id=pl.lit(HOSTILE), amount=pl.lit(f"{HOSTILE}:1")
        ),
        members=run.members.with_columns(why=pl.lit(HOSTILE)),
        evidence=run.evidence.with_columns(amount=pl.lit("=1+1")),
        links=run.links.with_columns(why=pl.lit(HOSTILE)) if run.links is not None else None,
        run={"version": HOSTILE, "seed": 1, "notes": [HOSTILE]},
    )
    figures = FIGURES | {"recall_by_pattern": {HOSTILE: SHARE}, "notes": [HOSTILE]}
    hostile = Page(render_page(run, figures, title=HOSTILE))
    harmless = {
        "a",
        "article",
        "b",
        "bdi",
        "body",
        "caption",
        "circle",
        "dd",
        "desc",
        "details",
        "div",
        "dl",
        "dt",
    }
    harmless |= {
        "figcaption",
        "figure",
        "footer",
        "g",
        "h1",
        "h2",
        "h3",
        "head",
        "header",
        "html",
        "li",
        "line",
    }
    harmless |= {
        "main",
        "meta",
        "p",
        "path",
        "rect",
        "span",
        "style",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
    }
    harmless |= {"text", "th", "thead", "title", "tr", "ul", "br"}
    assert {name for name, _ in hostile.elements} <= harmless
    assert not [key for _, attributes in hostile.elements for key in attributes if key.startswith("on")]
    assert HOSTILE in " ".join(hostile.words)


def test_characters_that_turn_text_around_are_marked() -> None:
    text = render_page(sample_run((3,), 2, "a\u202e\x1b[31m\u200b"))
    assert not re.search("[\u202e\x1b\u200b]", text)
    assert "\ufffd" in text


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 30), max_size=4).map(tuple),
    st.integers(1, 20),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
@example((1,), 1, True, "")
def test_any_run_makes_a_sound_page(
    sizes: tuple[int, ...], events: int, with_links: bool, prefix: str
) -> None:
    run = sample_run(sizes or (2,), events, prefix, with_links)
    if not sizes:
        run = cleared(run)
    page = Page(render_page(run))
    assert page.open == []
    assert len(page.named("article")) == len(sizes) + 2
    for _, attributes in page.elements:
        for key in ("x", "y", "cx", "cy", "r", "x1", "x2", "y1", "y2", "width", "height"):
            if key in attributes and "%" not in str(attributes[key]):
                assert -1 <= float(str(attributes[key])) < 2000


def cleared(run: RunFolder) -> RunFolder:
    return replace(
        run, rings=run.rings.clear(), members=run.members.clear(), evidence=run.evidence.clear(), links=None
    )


def test_a_run_without_rings_says_so() -> None:
    assert "7 buyers were looked at and none accused." in Page(render_page(cleared(sample_run((2,))))).text


def test_leads_stand_apart_from_rings_with_why_they_are_none() -> None:
    text = Page(render_page(sample_run())).text
    rings, leads = text.split("Suspicions too weak to be rings")
    assert "Lead l1" not in rings
    assert "1. Lead l1 9.5 decades of evidence 3 buyers filed 6 claims together." in leads
    assert "All of it may be one shipment that was lost. (one occasion)" in leads
    assert re.search(r"One event is too few\. \(associates ?, near ring 00000a ?\)", leads)
    assert "3 buyers 6 claims 2 merchants 1 occasion EUR 60.00 at stake" in leads


def test_only_the_strongest_leads_have_cards() -> None:
    page = Page(render_page(sample_run(), cards=1))
    assert [article["id"] for article in page.named("article")] == ["ring-1", "lead-1"]
    assert "The 1 strongest of 2 leads" in page.text
    assert "1 more lead in leads.csv." in page.text


def test_a_run_without_leads_says_so() -> None:
    run = sample_run()
    text = Page(render_page(replace(run, leads=run.leads.clear()))).text
    assert "No leads: no group came near being a ring without being one." in text


def test_decades_are_explained_before_they_are_read() -> None:
    text = Page(render_page(sample_run())).text
    assert text.index("each one is ten times less likely by chance") < text.index("decades of evidence")


def test_a_run_whose_claims_all_fall_in_one_moment_is_drawn() -> None:
    run = sample_run((3,), 2)
    at = run.evidence.get_column("filed_at")[0]
    run = replace(run, evidence=run.evidence.with_columns(filed_at=pl.lit(at).cast(pl.Datetime("us", "UTC"))))
    assert "1 Mar 2024" in Page(render_page(run)).text


def test_rings_without_evidence_or_times_are_still_listed() -> None:
    run = sample_run((3,), 2)
    nothing = pl.lit(None, pl.Datetime("us", "UTC"))
    run = replace(
        run,
        evidence=run.evidence.clear(),
        rings=run.rings.with_columns(first_claim_at=nothing, last_claim_at=nothing, p_value=pl.lit(0.00001)),
    )
    text = Page(render_page(run)).text
    assert "B0-000" in text
    assert "≤ 0.0001 chance without rings" in text


def test_the_strongest_rings_come_first_and_the_rest_are_counted() -> None:
    run = sample_run((2,) * 120, 2)
    page = Page(render_page(run, cards=3))
    assert [article["id"] for article in page.named("article")][:3] == ["ring-1", "ring-2", "ring-3"]
    assert page.named("article")[3]["id"] == "lead-1"
    assert "The 3 strongest of 120 rings" in page.text
    assert "20 more are in rings.csv." in page.text
    strongest = run.rings.sort("score", descending=True).item(0, "ring_id")
    assert f"1. Ring {strongest}" in page.text


def test_a_large_ring_is_drawn_in_part_and_says_so() -> None:
    run = sample_run((200,), 30)
    page = Page(render_page(run))
    assert "Drawn: the 16 busiest of 200 buyers and the 16 busiest of 23 merchants." in page.text
    assert "176 more are in members.csv." in page.text


def test_both_drawings_hold_the_busiest_merchants_in_the_order_they_were_hit() -> None:
    run = sample_run((4,), 3)
    late = run.evidence.filter(pl.col("event") == 3).with_columns(pl.col("filed_at") - timedelta(days=300))
    evidence = pl.concat([run.evidence.filter(pl.col("event") != 3), late])
    rows = choose_rows(evidence, run.members.get_column("buyer_id").to_list())
    assert rows.merchants == ("M14", "M00", "M07")
    assert sorted(rows.buyers) == sorted(run.members.get_column("buyer_id"))


def test_the_same_run_gives_the_same_page_whatever_the_order_of_rows(tmp_path: Path) -> None:
    run = sample_run((5, 3, 7))
    shuffled = replace(
        run,
        rings=run.rings.reverse(),
        members=run.members.reverse(),
        evidence=run.evidence.reverse(),
        links=run.links.reverse() if run.links is not None else None,
    )
    write_page(run, tmp_path / "one.html", FIGURES)
    write_page(shuffled, tmp_path / "two.html", FIGURES)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_stand_out_enough(scheme: int) -> None:
    style = files("ringfence.export").joinpath("page.css").read_text(encoding="utf-8")
    roots = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", roots[scheme]))

    def contrast(one: str, other: str) -> float:
        bright, dark = sorted((luminance(colours[one]), luminance(colours[other])), reverse=True)
        return (bright + 0.05) / (dark + 0.05)

    for ground in ("paper", "card"):
        for ink in ("ink", "soft", "buyer", "merchant"):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert contrast("link", "card") >= 3
    assert contrast("claim", "card") >= 3
