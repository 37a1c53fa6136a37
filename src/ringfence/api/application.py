"""The API as an application: its routes, built from a store."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ringfence.api.access_log import AccessLog
from ringfence.api.audit_trail import AuditTrail
from ringfence.api.endpoint import GraphQLEndpoint
from ringfence.api.graphiql_page import asset_routes, page
from ringfence.api.health import HealthChecks
from ringfence.api.hosts import LoopbackNames
from ringfence.api.limits import Limits
from ringfence.api.schema import build_schema
from ringfence.domain.policy import Policy
from ringfence.services.audit import AuditWriter
from ringfence.store import Store

PATH = "/graphql"


def build_application(
    store: Store,
    clock: Callable[[], int],
    audit_key: bytes,
    *,
    graphiql: bool,
    any_host: bool = False,
    policy: Policy | None = None,
    limits: Limits | None = None,
) -> Starlette:
    """Build the application that answers from a store; with `graphiql` it serves the page for queries, too.

    Only requests to this machine by its loopback names are answered, unless a proxy names it otherwise
    (`any_host`). `clock` gives the time in µs since 1970-01-01 UTC; what is decided rests on `policy` (None:
    the built-in one). The audit is sealed under `audit_key`. The store is not closed with the application.
    """
    trail = AuditTrail(AuditWriter(store, audit_key))
    endpoint = GraphQLEndpoint(build_schema(), store, clock, policy or Policy(), limits or Limits(), trail)
    health = HealthChecks(store, clock)

    async def graphql(request: Request) -> Response:
        if request.method == "POST":
            return await endpoint.answer(request)
        if graphiql and "text/html" in request.headers.get("accept", ""):
            return page()
        return Response("Ask by POST, as JSON.\n", 405, {"Allow": "POST"}, "text/plain")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        endpoint.close()
        trail.close()
        health.close()

    application = Starlette(
        routes=[
            Route(PATH, graphql, methods=["GET", "POST"]),
            Route("/livez", health.livez, methods=["GET"]),
            Route("/readyz", health.readyz, methods=["GET"]),
            *(asset_routes() if graphiql else ()),
        ],
        middleware=[Middleware(AccessLog), *(() if any_host else (Middleware(LoopbackNames),))],
        lifespan=lifespan,
    )
    # Its answer would lead wherever the request says it came to.
    application.router.redirect_slashes = False
    return application
