"""The leads of a run on the page: apart from the rings, each with why it is none."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ringfence.domain.counted import counted
from ringfence.export.markup import Markup, element, join
from ringfence.export.ring_card import events_table, facts, members_table
from ringfence.export.run_folder import RunFolder

_WHAT = (
    "Suspicions too weak to be rings: worth a look, and no accusation. No lead opens a verification, and "
    "merchants never see one."
)


def leads_section(run: RunFolder, cards: int) -> Markup:
    """The section of leads: the strongest as `cards`, or that there are none."""
    leads = run.leads.sort(["score", "lead_id"], descending=[True, False])
    if leads.is_empty():
        nothing = "No leads: no group came near being a ring without being one."
        return join([element("h2", "Leads"), element("p", nothing, class_="panel")])
    more = leads.height - cards
    return join(
        [
            element("h2", "Leads" if more <= 0 else f"The {cards} strongest of {leads.height:,} leads"),
            element("p", _WHAT, class_="lead"),
            *(
                _card(run, lead, place)
                for place, lead in enumerate(leads.head(cards).iter_rows(named=True), start=1)
            ),
            *(
                (element("p", f"{counted(more, 'more lead')} in leads.csv.", class_="quiet"),)
                if more > 0
                else ()
            ),
        ]
    )


def _card(run: RunFolder, lead: Mapping[str, Any], place: int) -> Markup:
    """The card of one row of leads.csv, `place` in the order of the section."""
    of_lead = pl.col("lead_id") == lead["lead_id"]
    members = run.lead_members.filter(of_lead).sort(["score", "buyer_id"], descending=[True, False])
    evidence = run.lead_evidence.filter(of_lead)
    near = [", near ring ", element("bdi", lead["ring_id"])] if lead["ring_id"] else []
    return element(
        "article",
        element(
            "header",
            element("h3", f"{place}. Lead ", element("bdi", lead["lead_id"])),
            element("span", element("b", f"{lead['score']:.1f}"), " decades of evidence", class_="score"),
        ),
        element("p", lead["why"], class_="why"),
        element(
            "p",
            lead["why_not"],
            " (",
            lead["kind"].replace("_", " "),
            *near,
            ")",
        ),
        facts(lead, "buyer"),
        members_table(members, "buyer", "lead_members.csv"),
        *((events_table(evidence, "lead_evidence.csv"),) if evidence.height else ()),
        id=f"lead-{place}",
    )
