"""`ringfence rings decide|undo|note|assign|history`: what people decide about a ring."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.moments import as_moment, as_text, read_moment
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.errors import InvalidError
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.domain.records import Event
    from ringfence.domain.ring_decisions import RingStanding

_Ring = Annotated[str, typer.Argument(metavar="RING", help="The ring's id.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Seen = Annotated[
    int | None,
    typer.Option(
        "--seen",
        metavar="VERSION",
        min=0,
        help="The version you saw (rings history tells it): fail if others changed the record since.",
    ),
]


def decide(
    context: typer.Context,
    ring: _Ring,
    outcome: Annotated[Outcome, typer.Argument(metavar="OUTCOME", help="confirm, dismiss, snooze or allow.")],
    reason: Annotated[str, typer.Option(help="Why; whoever looks later reads it.")],
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=read_moment,
            metavar="DATE",
            help="When the decision ends, UTC if no zone is given. Snooze and allow need it.",
        ),
    ] = None,
    policy: PolicyOption = None,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Confirm a ring, dismiss it, snooze it until a day, or allow it until a day.

    A ring that is dismissed or allowed stays down until it grows, and its
    evidence by a decade. A second person confirms what the first one
    proposed, unless the policy lets one confirm alone.

    Example: ringfence rings decide r0123456789ab dismiss --reason "one family"
    """
    from ringfence.services import decide_rings

    principal = acting(acting_as, Role.INVESTIGATOR)
    in_force = chosen_policy(context, policy)
    with open_store(context, store) as opened, audited(context, opened, principal, ring):
        standing = decide_rings.decide(
            opened, principal, ring, outcome, reason, as_moment(until), clock(), seen, in_force
        )
    _tell(ring, standing, as_json)


def undo(
    context: typer.Context,
    ring: _Ring,
    reason: Annotated[str, typer.Option(help="Why; whoever looks later reads it.")],
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Take back what was decided or proposed last about a ring; what was decided before counts again.

    Example: ringfence rings undo r0123456789ab --reason "mixed up two rings"
    """
    from ringfence.services import decide_rings

    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, ring):
        standing = decide_rings.undo(opened, principal, ring, reason, clock(), seen)
    _tell(ring, standing, as_json)


def note(
    context: typer.Context,
    ring: _Ring,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")],
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Write a note about a ring.

    Example: ringfence rings note r0123456789ab "merchant m7 called about them"
    """
    from ringfence.services import decide_rings

    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, ring):
        standing = decide_rings.note(opened, principal, ring, text, clock())
    _tell(ring, standing, as_json)


def assign(
    context: typer.Context,
    ring: _Ring,
    owner: Annotated[str | None, typer.Argument(metavar="OWNER", help="Who answers for it.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Give it back to whoever decided.")] = False,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Give a ring to somebody, or back to whoever decided about it.

    Example: ringfence rings assign r0123456789ab ana
    """
    from ringfence.services import decide_rings

    if (owner is None) is not nobody:
        raise InvalidError("name an owner, or say --nobody")
    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, ring):
        standing = decide_rings.assign(opened, principal, ring, owner, clock())
    _tell(ring, standing, as_json)


def history(
    context: typer.Context,
    ring: _Ring,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Tell all that was decided, taken back, noted and assigned about a ring.

    Example: ringfence rings history r0123456789ab
    """
    from ringfence.services import decide_rings

    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, ring):
        events = decide_rings.history(opened, principal, ring)
    if as_json:
        print_json(
            [
                {"version": version, "at": as_text(event.at), "by": event.actor, "event": event.type}
                | dict(event.data)
                | ({"until": as_text(event.data["until"])} if "until" in event.data else {})
                for version, event in enumerate(events, 1)
            ]
        )
        return
    if not events:
        print_lines("Nothing is decided or noted about this ring.")
        return
    print_table(
        f"{ring}, oldest first",
        ("version", "at", "by", "what"),
        [
            (version, as_text(event.at), event.actor, _in_words(event))
            for version, event in enumerate(events, 1)
        ],
    )


def _in_words(event: "Event") -> str:
    data = event.data
    match event.type:
        case "decided" | "proposed":
            until = f" until {as_text(data['until'])}" if data["until"] is not None else ""
            proposed = "proposed to " if event.type == "proposed" else ""
            return f"{proposed}{data['outcome']}{until} at {data['evidence']:.1f} decades: {data['reason']}"
        case "undone":
            return f"undo: {data['reason']}"
        case "noted":
            return f"note: {data['text']}"
        case _:
            return f"owner: {data['owner'] or 'whoever decided'}"


def _tell(ring: str, standing: "RingStanding", as_json: bool) -> None:
    if as_json:
        print_json({"ring_id": ring} | standing.in_short())
        return
    owner = f"; {standing.owner} answers for it" if standing.owner is not None else ""
    print_lines(f"{ring}: {standing.because or standing.status}{owner} (version {standing.version})")
