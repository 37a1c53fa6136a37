"""GraphiQL from the package: a page that asks nobody else for anything, with queries to start from."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import orjson
from graphql import NonNullTypeNode, OperationDefinitionNode, parse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FOLDER = files("ringfence.api") / "graphiql"


def example_queries() -> dict[str, str]:
    """Give the queries that the page starts from, by the names of their operations."""
    text = (files("ringfence.api") / "examples.graphql").read_text(encoding="utf-8")
    queries, begun = {}, 0
    for node in parse(text).definitions:
        if isinstance(node, OperationDefinitionNode) and node.loc and node.name:
            queries[node.name.value] = text[begun : node.loc.end].strip() + "\n"
            begun = node.loc.end
    return queries


def asset_routes() -> list[Route]:
    """Give the routes of what the page is made of."""
    assets = {
        entry.name: (entry.read_bytes(), kind)
        for entry in _FOLDER.iterdir()
        for ending, kind in _KINDS.items()
        if entry.name.endswith(ending)
    }
    assets["examples.json"] = orjson.dumps(_tabs(example_queries())), "application/json"
    return [_route(f"/graphiql/{name}", *asset) for name, asset in assets.items()]


def page() -> Response:
    """Answer the page itself; it holds nothing that needs a key."""
    return Response(
        (_FOLDER / "index.html").read_bytes(),
        headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"},
        media_type="text/html",
    )


def _route(path: str, content: bytes, kind: str) -> Route:
    async def answer(_: Request) -> Response:
        return Response(content, headers={"Cache-Control": "max-age=3600"}, media_type=kind)

    return Route(path, answer, methods=["GET"])


def _tabs(queries: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give one tab of the page a query, with the variables that somebody must fill in."""
    tabs = []
    for query in queries.values():
        (node,) = parse(query).definitions
        assert isinstance(node, OperationDefinitionNode)
        variables = {
            one.variable.name.value: ""
            for one in node.variable_definitions or ()
            if isinstance(one.type, NonNullTypeNode)
        }
        tabs.append({"query": query, "variables": orjson.dumps(variables).decode() if variables else ""})
    return tabs
