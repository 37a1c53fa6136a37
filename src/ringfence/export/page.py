"""A run as one page that needs nothing but a browser: no script, no network, no other file."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from ringfence.domain.counted import counted
from ringfence.export.lead_card import leads_section
from ringfence.export.markup import Markup, add_amounts, element, join, money, period, plain
from ringfence.export.overview_drawing import draw_claims_over_time, draw_size_and_evidence
from ringfence.export.ring_card import KEY, ring_card
from ringfence.export.run_folder import RunFolder
from ringfence.export.truth_panel import truth_figures, truth_panel
from ringfence.export.whole_file import write_whole
from ringfence.market.results import telling

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_MOST_ROWS = 100
_DECADES = "Evidence is in decades: each one is ten times less likely by chance."
_MARK = Markup(
    '<svg viewBox="0 0 24 24" aria-hidden="true">'
    '<circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" stroke-width="2"'
    ' stroke-dasharray="11 3.1"/>'
    '<circle class="buyer" cx="12" cy="12" r="3.4"/></svg>'
)


def write_page(
    run: RunFolder,
    path: Path | str,
    evaluation: Mapping[str, Any] | None = None,
    title: str = "Buyers who claim together",
    cards: int = 12,
) -> None:
    """Write `render_page` to a file, whole or not at all. Raises UnavailableError where the disk refuses."""
    write_whole(path, render_page(run, evaluation, title, cards).encode())


def render_page(
    run: RunFolder,
    evaluation: Mapping[str, Any] | None = None,
    title: str = "Buyers who claim together",
    cards: int = 12,
) -> str:
    """A run as HTML: headline figures, an overview, the strongest rings and leads as `cards`,
    all with tables.

    `evaluation` is `Evaluation.to_dict()` where the truth is known. Every text of the run is shown as text,
    whatever is in it; the same arguments give the same page.
    """
    rings = run.rings.sort(["score", "ring_id"], descending=[True, False])
    shown = rings.head(cards)
    head = element(
        "head",
        Markup('<meta charset="utf-8"/>'),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} \u2013 Ringfence"),
        element("style", Markup(files("ringfence.export").joinpath("page.css").read_text(encoding="utf-8"))),
    )
    main = element(
        "main",
        _figures(run, rings, evaluation),
        *(_overview(run, rings, shown.height) if rings.height and run.evidence.height else ()),
        *((truth_panel(evaluation),) if evaluation else ()),
        *(_cards(run, shown, rings.height) if rings.height else (_nothing(run),)),
        *((_queue(rings, shown.height),) if rings.height else ()),
        leads_section(run, cards),
    )
    body = element("body", _header(run, rings, title), main, _footer(run))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _header(run: RunFolder, rings: pl.DataFrame, title: str) -> Markup:
    if rings.is_empty():
        lead = "No group of buyers claims together more than chance allows."
    else:
        first = min(rings.get_column("first_claim_at").drop_nulls().to_list(), default=None)
        last = max(rings.get_column("last_claim_at").drop_nulls().to_list(), default=None)
        when = f", {period(first, last)}" if first is not None and last is not None else ""
        lead = (
            f"{counted(rings.height, 'group')} of buyers whose refund claims coincide far more than those of "
            f"strangers would{when}. Each rests on joint claims that chance does not explain: against two "
            "merchants or more, or, wave after wave, against one."
        )
    return element(
        "header",
        element("div", _MARK, element("span", "Ringfence"), class_="brand"),
        element("h1", title),
        element("p", f"{lead} {_DECADES}", class_="lead"),
    )


def _figures(run: RunFolder, rings: pl.DataFrame, evaluation: Mapping[str, Any] | None) -> Markup:
    members = run.members.get_column("buyer_id").n_unique()
    networks = rings.filter(pl.col("network_id") != "").get_column("network_id").n_unique()
    stake = [
        join([f"{currency} {value:,.0f}"])
        for currency, value in add_amounts(rings.get_column("amount")).items()
    ]
    merchants = telling(run.evidence).get_column("merchant_id").n_unique()
    tiles = [
        ("Rings", f"{rings.height:,}", f"in {counted(networks, 'network')}" if networks else "", ""),
        ("Members", f"{members:,}", f"of {run.buyers.height:,} buyers", ""),
        (
            "Joint claims",
            f"{int(rings.get_column('claims').sum()):,}",
            f"against {counted(merchants, 'merchant')}",
            "",
        ),
        ("Money at stake", join(stake, "<br/>") or "\u2013", "", " money"),
        *((name, value, aside, "") for name, value, aside in truth_figures(evaluation)),
    ]
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", name),
                element("dd", value, class_=f"value{kind}"),
                *((element("dd", aside, class_="aside"),) if aside else ()),
            )
            for name, value, aside, kind in tiles
        ),
        class_="figures",
    )


def _overview(run: RunFolder, rings: pl.DataFrame, linked: int) -> tuple[Markup, Markup]:
    return (
        element("h2", "At a glance"),
        element(
            "div",
            draw_claims_over_time("over-time", telling(run.evidence)),
            draw_size_and_evidence("size-evidence", rings, linked),
            class_="pair",
        ),
    )


def _cards(run: RunFolder, shown: pl.DataFrame, total: int) -> tuple[Markup, ...]:
    heading = "The rings" if shown.height == total else f"The {shown.height} strongest of {total:,} rings"
    return (
        element("h2", heading),
        KEY,
        *(ring_card(run, ring, place) for place, ring in enumerate(shown.iter_rows(named=True), start=1)),
    )


def _queue(rings: pl.DataFrame, linked: int) -> Markup:
    rows = [
        element(
            "tr",
            element("td", place, class_="number quiet"),
            element(
                "th",
                element("a", element("bdi", ring["ring_id"]), href=f"#ring-{place}")
                if place <= linked
                else element("bdi", ring["ring_id"]),
                scope="row",
            ),
            element("td", f"{ring['score']:.1f}", class_="number"),
            element("td", f"{ring['size']:,}", class_="number"),
            element("td", f"{ring['claims']:,}", class_="number"),
            element("td", f"{ring['merchants']:,}", class_="number"),
            element("td", money([ring["amount"]]), class_="number"),
            element(
                "td",
                period(ring["first_claim_at"], ring["last_claim_at"]) if ring["first_claim_at"] else "",
                class_="nowrap",
            ),
        )
        for place, ring in enumerate(rings.head(_MOST_ROWS).iter_rows(named=True), start=1)
    ]
    columns = ("#", "Ring", "Evidence", "Members", "Claims", "Merchants", "Amount", "Claims filed")
    head = [
        element("th", name, scope="col", class_=None if name in ("Ring", "Claims filed") else "number")
        for name in columns
    ]
    more = rings.height - len(rows)
    return join(
        [
            element("h2", "All rings" if not more else f"The first {len(rows)} rings"),
            element(
                "div",
                element(
                    "div",
                    element(
                        "table",
                        element("thead", element("tr", *head)),
                        element("tbody", *rows),
                    ),
                    class_="scroll",
                    tabindex=0,
                    role="region",
                    aria_label="Table of rings",
                ),
                *((element("p", f"{more:,} more are in rings.csv.", class_="quiet"),) if more else ()),
                class_="panel",
            ),
        ]
    )


def _nothing(run: RunFolder) -> Markup:
    return join(
        [
            element("h2", "No rings"),
            element(
                "p", f"{counted(run.buyers.height, 'buyer')} were looked at and none accused.", class_="panel"
            ),
        ]
    )


def _footer(run: RunFolder) -> Markup:
    told = [
        f"{name} {run.run[name]}" for name in ("version", "seed") if isinstance(run.run.get(name), (str, int))
    ]
    notes = run.run.get("notes")
    said = [str(note) for note in notes] if isinstance(notes, list) else []
    return element(
        "footer",
        *(element("p", note) for note in said),
        element(
            "p",
            "Evidence is in decades: 3 is one chance in a thousand, after counting everywhere that was "
            "looked. It is a reason to look closer, not a verdict. All times are UTC.",
        ),
        element("p", join(["Ringfence", *(plain(part) for part in told)], " \u00b7 ")),
    )
