"""One ring on the page: why, pictures, members, joint claims."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ringfence.domain.chance import chance_text
from ringfence.domain.counted import counted
from ringfence.export.markup import Markup, element, join, lasting, money, period
from ringfence.export.ring_drawing import choose_rows, draw_ring, draw_strip
from ringfence.export.run_folder import RunFolder
from ringfence.market.results import telling

_MOST_MEMBERS = 24
_MOST_EVENTS = 60

_SYMBOL = '<svg viewBox="0 0 22 12" aria-hidden="true">'

KEY = Markup(
    '<ul class="key">'
    f'<li>{_SYMBOL}<circle class="buyer" cx="11" cy="6" r="4.5"/></svg>buyer, or a claim in time</li>'
    f'<li>{_SYMBOL}<rect class="merchant" x="6.5" y="1.5" width="9" height="9" rx="1.5"/></svg>merchant</li>'
    f'<li>{_SYMBOL}<path class="claim" d="M1 9C8 9 14 3 21 3" stroke-width="1.6"/></svg>joint claims</li>'
    f'<li>{_SYMBOL}<path class="link" d="M1 6H21"/></svg>link between buyers</li>'
    "</ul>"
)
"""What the shapes of the drawings stand for."""


def ring_card(run: RunFolder, ring: Mapping[str, Any], place: int) -> Markup:
    """The card of one row of rings.csv, `place` in the order of the page."""
    evidence = run.evidence.filter(pl.col("ring_id") == ring["ring_id"])
    members = run.members.filter(pl.col("ring_id") == ring["ring_id"]).sort(
        ["score", "buyer_id"], descending=[True, False]
    )
    return element(
        "article",
        element(
            "header",
            element("h3", f"{place}. Ring ", element("bdi", ring["ring_id"])),
            element("span", element("b", f"{ring['score']:.1f}"), " decades of evidence", class_="score"),
        ),
        element("p", ring["why"], class_="why") if ring["why"] else Markup(),
        facts(ring, "member"),
        *((_pictures(run, telling(evidence), members, place),) if telling(evidence).height else ()),
        members_table(members, "member", "members.csv"),
        *((events_table(evidence, "evidence.csv"),) if evidence.height else ()),
        id=f"ring-{place}",
    )


def facts(ring: Mapping[str, Any], member: str) -> Markup:
    """The figures of a row of rings.csv or leads.csv, whose buyers are called `member`."""
    told: list[tuple[str, str]] = [
        (f"{ring['size']:,}", member if ring["size"] == 1 else f"{member}s"),
        (f"{ring['claims']:,}", "claim" if ring["claims"] == 1 else "claims"),
        (f"{ring['merchants']:,}", "merchant" if ring["merchants"] == 1 else "merchants"),
        (money([ring["amount"]]), "at stake"),
    ]
    if ring["occasions"] is not None:
        told.insert(3, (f"{ring['occasions']:,}", "occasion" if ring["occasions"] == 1 else "occasions"))
    if ring["p_value"] is not None:
        told.append((chance_text(ring["p_value"]), "chance without rings"))
    if ring["first_claim_at"] and ring["last_claim_at"]:
        told.append((period(ring["first_claim_at"], ring["last_claim_at"]), ""))
    if ring.get("network_id"):
        told.append((ring["network_id"], "network"))
    return element(
        "ul", *(element("li", element("b", value), " ", what) for value, what in told), class_="facts"
    )


def _pictures(run: RunFolder, evidence: pl.DataFrame, members: pl.DataFrame, place: int) -> Markup:
    rows = choose_rows(evidence, members.get_column("buyer_id").to_list())
    left_out = [
        f"the {shown} busiest of {counted(total, what)}"
        for shown, total, what in (
            (len(rows.buyers), rows.all_buyers, "buyer"),
            (len(rows.merchants), rows.all_merchants, "merchant"),
        )
        if shown < total
    ]
    note = f"Drawn: {' and '.join(left_out)}." if left_out else ""
    return join(
        [
            element(
                "div",
                element("figure", draw_ring(f"who-{place}", rows, evidence, run.links)),
                element("figure", draw_strip(f"when-{place}", rows, evidence)),
                class_="pair bare",
            ),
            element("p", note, class_="quiet") if note else Markup(),
        ]
    )


def members_table(members: pl.DataFrame, member: str, file: str) -> Markup:
    """The buyers of a ring or a lead, called `member`; `file` has all of them."""
    shown = members.head(_MOST_MEMBERS)
    rows = [
        element(
            "tr",
            element("th", element("bdi", buyer), scope="row"),
            element("td", f"{score:.1f}", class_="number"),
            element("td", why),
        )
        for buyer, score, why in shown.select("buyer_id", "score", "why").iter_rows()
    ]
    more = members.height - shown.height
    return element(
        "details",
        element("summary", counted(members.height, member)),
        _scrolling(f"{member.capitalize()}s", ("Buyer", "Evidence", "Why"), rows),
        *((element("p", f"{more:,} more are in {file}.", class_="quiet"),) if more else ()),
        open="" if members.height <= 8 else None,
    )


def events_table(evidence: pl.DataFrame, file: str) -> Markup:
    """The joint events of a ring or a lead; `file` has all of its claims."""
    events = (
        evidence.sort("filed_at", "claim_id")
        .group_by("event", "merchant_id", maintain_order=True)
        .agg(
            pl.col("filed_at").min().alias("first"),
            pl.col("filed_at").max().alias("last"),
            pl.col("buyer_id").unique(maintain_order=True).alias("buyers"),
            pl.col("amount").alias("amounts"),
            pl.col("expected").mean(),
            pl.col("weak").any(),
        )
        .sort("first", "event", "merchant_id")
    )
    rows = [
        element(
            "tr",
            element("td", f"{event['first']:%Y-%m-%d %H:%M}", class_="nowrap"),
            element("th", element("bdi", event["merchant_id"]), scope="row"),
            element("td", _names(event["buyers"])),
            element("td", lasting((event["last"] - event["first"]).total_seconds()), class_="number"),
            element("td", money(event["amounts"]), class_="number"),
            element("td", _by_chance(event["expected"], event["weak"]), class_="number"),
        )
        for event in events.head(_MOST_EVENTS).iter_rows(named=True)
    ]
    more = events.height - len(rows)
    counting = evidence.filter(~pl.col("weak"))
    said = f"{counted(counting.height, 'joint claim')} in {counted(counting['event'].n_unique(), 'event')}"
    if by_chance := events.filter("weak").height:
        said += f"; {counted(by_chance, 'more event')} that chance explains, in no total"
    return element(
        "details",
        element("summary", said),
        _scrolling(
            "Joint claims",
            ("First claim (UTC)", "Merchant", "Buyers", "Within", "Amount", "Strangers as near by chance"),
            rows,
        ),
        *((element("p", f"{more:,} more are in {file}.", class_="quiet"),) if more else ()),
    )


def _by_chance(expected: float | None, weak: bool) -> str:
    said = "\u2013" if expected is None else f"{expected:.3g}"
    return f"{said} (weak)" if weak else said


def _names(buyers: list[str]) -> Markup:
    named = join([element("bdi", buyer) for buyer in buyers[:8]], ", ")
    return join([named, f" and {len(buyers) - 8:,} more"]) if len(buyers) > 8 else named


def _scrolling(label: str, columns: tuple[str, ...], rows: list[Markup]) -> Markup:
    """A table that scrolls by itself where it is too wide; columns of numbers stand right."""
    right = {"Evidence", "Within", "Amount", "Strangers as near by chance"}
    head = [element("th", name, scope="col", class_="number" if name in right else None) for name in columns]
    return element(
        "div",
        element("table", element("thead", element("tr", *head)), element("tbody", *rows)),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=label,
    )
