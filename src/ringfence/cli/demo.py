"""`ringfence demo`: what Ringfence does, in one line and two minutes."""

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.audit_key import AUDIT
from ringfence.cli.chosen_policy import chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import settings_of, stores_of
from ringfence.cli.evaluate import print_evaluation
from ringfence.cli.printing import DECADES, print_json, print_lines, print_table
from ringfence.cli.progress import show_progress
from ringfence.cli.serve import DEFAULT_PORT, Port, answer

if TYPE_CHECKING:
    from ringfence.services.demonstrate import Demonstration


def demo(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the marketplace, the run and the page.")
    ] = Path("ringfence-demo"),
    buyers: Annotated[int, typer.Option(help="Accounts of the simulated marketplace.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Another seed, another marketplace.")] = 1,
    stealth: Annotated[float, typer.Option(help="How sly the rings are, 0 to 1.")] = 0.0,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace an earlier demonstration even if people worked in its store."
        ),
    ] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Answer queries until stopped.")] = False,
    port: Port = DEFAULT_PORT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Make a marketplace, load it, find its rings, hold them against the truth, draw them, and exit.

    An earlier demonstration in the folder is replaced, unless people worked in its store.

    With --serve, answer GraphQL queries about them until stopped, and print a key for one day.

    Example: ringfence demo --serve
    """
    from ringfence.generator import GeneratorOptions
    from ringfence.intake import PseudonymKey
    from ringfence.services.demonstrate import demonstrate, key_for_a_day

    options = GeneratorOptions(buyers=buyers, seed=seed, stealth=stealth)
    policy = chosen_policy(context, None)
    with ExitStack() as opened:
        listener = None
        if serve:
            from ringfence.api.server import listen

            listener = opened.enter_context(listen("127.0.0.1", port, behind_proxy=False))
        key = PseudonymKey.load_or_create(settings_of(context).key_file)
        with show_progress(quiet) as progress:
            shown, store = demonstrate(
                out, options, key, stores_of(context), clock, progress, replace=replace
            )
        opened.callback(store.close)
        if listener is None:
            _print(shown, as_json)
        else:
            _print(shown, as_json, _ways_in(listener, key_for_a_day(store, clock())))
            answer(store, listener, policy, key.derive(AUDIT), graphiql=True)


def _print(shown: "Demonstration", as_json: bool, ways_in: dict[str, str] | None = None) -> None:
    detection = shown.detection
    if as_json:
        print_json(
            {
                "counts": detection.counts,
                "evaluation": shown.evaluation.to_dict(),
                "marketplace": str(shown.marketplace),
                "store": str(shown.store),
                "run": str(shown.run),
                "page": str(shown.page),
                **(ways_in or {}),
            }
        )
        return
    print_table(
        f"{len(detection.rings):,} rings found; the strongest five ({DECADES})",
        ("ring", "evidence", "why"),
        [
            (row["ring_id"], f"{row['score']:.1f}", row["why"])
            for row in detection.rings.head(5).iter_rows(named=True)
        ],
    )
    place = shlex.quote(str(shown.store))
    print_lines("")
    print_evaluation(shown.evaluation)
    print_lines(
        "",
        f"pictures:     {shown.page}",
        f"files in:     {shown.marketplace}",
        f"store:        {shown.store}",
        f"files out:    {shown.run}",
        f"next:         ringfence rings list --store {place}",
        f"              ringfence rings show {detection.rings['ring_id'][0]} --store {place}"
        if len(detection.rings)
        else "",
        "your files:   ringfence load FOLDER && ringfence detect",
    )
    if ways_in:
        print_lines(
            "",
            f"queries:      {ways_in['url']}  (a page in a browser; Ctrl-C stops it)",
            f"key:          {ways_in['key']}  (for one day)",
            f"try:          {ways_in['curl']}",
        )


def _ways_in(listener: Any, token: str) -> dict[str, str]:
    from ringfence.api.application import PATH
    from ringfence.api.server import address_of

    url = f"{address_of(listener)}{PATH}"
    query = '{"query": "{ rings(first: 3) { nodes { ringId score why } } }"}'
    return {
        "url": url,
        "key": token,
        "curl": f"curl -s {url} -H 'Authorization: Bearer {token}' "
        f"-H 'Content-Type: application/json' -d '{query}'",
    }
