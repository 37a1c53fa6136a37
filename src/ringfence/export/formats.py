"""Rings in the file formats of other tools."""

import io
import json
import re
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from ringfence.export.graph import select_rings, to_networkx, with_iso_times
from ringfence.export.run_folder import RunFolder
from ringfence.export.tables import write_table
from ringfence.export.whole_file import write_whole

if TYPE_CHECKING:
    import networkx as nx


class Format(StrEnum):
    """What rings are exported as."""

    CSV = "csv"
    GEXF = "gexf"
    GRAPHML = "graphml"
    JSON = "json"


_UNFIT_FOR_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]|\\\\(?=u)")
_GEXF_DATE = re.compile(rb' lastmodifieddate="[^"]*"')


def export_rings(
    run: RunFolder, target: Path | str | BinaryIO, format: Format, ring_ids: Collection[str] | None = None
) -> None:
    """Write rings (all for None) to a file, whole or not at all, or to a binary stream.

    The same run gives the same bytes. Raises NotFoundError for an unknown ring, UnavailableError where the
    disk refuses.
    """
    content = render_rings(run, format, ring_ids)
    if isinstance(target, (str, Path)):
        write_whole(target, content)
    else:
        target.write(content)


def render_rings(run: RunFolder, format: Format, ring_ids: Collection[str] | None = None) -> bytes:
    """Rings (all for None) as the bytes of a file.

    csv: a row a member, with the ring's columns beside it. json: a list of rings, each with its members,
    joint claims and links. gexf, graphml: the graph of `to_networkx`, lists as JSON text; a character that
    XML forbids is written as in JSON (`\\u0001`), and so is a backslash before a `u`, so that ids stay apart.
    """
    match format:
        case Format.CSV:
            return _csv(select_rings(run, ring_ids))
        case Format.JSON:
            return _json(select_rings(run, ring_ids))
        case Format.GEXF:
            content = io.BytesIO()
            import networkx as nx

            nx.write_gexf(_for_xml(to_networkx(run, ring_ids)), content)
            # The writer stamps today's date, and equal runs must give equal bytes.
            return _GEXF_DATE.sub(b"", content.getvalue(), count=1) + b"\n"
        case Format.GRAPHML:
            content = io.BytesIO()
            # The writer of the plain name changes its output where lxml happens to be installed.
            import networkx as nx

            nx.write_graphml_xml(_for_xml(to_networkx(run, ring_ids)), content)
            return content.getvalue() + b"\n"


def _csv(run: RunFolder) -> bytes:
    members = run.members.rename({"score": "member_score", "why": "member_why"})
    content = io.BytesIO()
    write_table("rings", run.rings.join(members, on="ring_id", maintain_order="left_right"), content)
    return content.getvalue()


def _json(run: RunFolder) -> bytes:
    members = run.members.partition_by("ring_id", as_dict=True, include_key=False)
    evidence = with_iso_times(run.evidence).partition_by("ring_id", as_dict=True, include_key=False)
    links: dict[tuple[Any, ...], pl.DataFrame] = {}
    if run.links is not None:
        rings_of = run.members.select("ring_id", "buyer_id")
        links = (
            run.links.join(rings_of, left_on="buyer_a", right_on="buyer_id", maintain_order="left_right")
            .join(
                rings_of,
                left_on=["buyer_b", "ring_id"],
                right_on=["buyer_id", "ring_id"],
                maintain_order="left",
            )
            .partition_by("ring_id", as_dict=True, include_key=False)
        )
    rings = []
    for ring in with_iso_times(run.rings).to_dicts():
        key = (ring["ring_id"],)
        for name, tables in (("members", members), ("evidence", evidence), ("links", links)):
            if name != "links" or run.links is not None:
                ring[name] = tables[key].to_dicts() if key in tables else []
        rings.append(ring)
    text = json.dumps({"rings": rings}, ensure_ascii=False, sort_keys=True, indent=2)
    return (text + "\n").encode()


def _for_xml(graph: "nx.Graph") -> "nx.Graph":
    """The graph with every node and value as XML can hold it."""
    import networkx as nx

    fit = nx.Graph()
    for node, attributes in graph.nodes(data=True):
        fit.add_node(_fit(node), **{name: _fit(value) for name, value in attributes.items()})
    for one, other, attributes in graph.edges(data=True):
        fit.add_edge(_fit(one), _fit(other), **{name: _fit(value) for name, value in attributes.items()})
    return fit


def _fit(value: Any) -> Any:
    if isinstance(value, list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return _UNFIT_FOR_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", value)
    return value
