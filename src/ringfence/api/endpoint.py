"""GraphQL over HTTP: POST of one query or mutation as JSON, with a key in a header."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema, execute_sync, get_variable_values
from graphql.execution.values import VariableValues
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ringfence.api.access_log import log_fault, notes_of
from ringfence.api.afterwards import Afterwards
from ringfence.api.allowance import Allowance
from ringfence.api.audit_trail import AuditTrail
from ringfence.api.auth import caller_of
from ringfence.api.cost import size_of
from ringfence.api.documents import Documents, InvalidQueryError, Operation
from ringfence.api.errors import (
    INVALID,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    TooManyChangesError,
    TooManyRequestsError,
    UnauthenticatedError,
    cause_of,
    code_of,
    is_expected,
    refusal,
    refusals,
    status_of,
)
from ringfence.api.executor import LeafExecutor
from ringfence.api.limits import Limits
from ringfence.api.loaders import Asking
from ringfence.api.paces import Paces
from ringfence.api.permissions import refuse_closed_fields
from ringfence.api.subjects import BUYER
from ringfence.domain.audit import ANSWERED, AuditEntry, bounded, checked_purpose
from ringfence.domain.errors import ForbiddenError, InvalidError, UnavailableError
from ringfence.domain.policy import Policy
from ringfence.domain.scope import Principal
from ringfence.services.audit import salted
from ringfence.services.look_up import TooManyLookupsError, count_lookups
from ringfence.store import Store

_BODY_SECONDS = 10
"""How long a client may take to send its query."""
_MOST_ERRORS = 10
_JSON = "application/json"
_PURPOSE = "x-purpose"
_GRAPHQL_JSON = "application/graphql-response+json"


class _RefusedError(Exception):
    """A request that is refused as HTTP, before it is read as GraphQL."""

    def __init__(
        self, status: int, message: str, code: str = INVALID, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


@dataclass(frozen=True, slots=True)
class _Ask:
    """What a request says."""

    query: str
    variables: dict[str, Any]
    operation: str | None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: dict[str, Any]
    notes: dict[str, Any]
    """For the log."""
    headers: Mapping[str, str]
    audited: tuple[int, bytes] | None = None
    """What is written into the audit before anything of this is told: when it was asked, and the entry."""


@dataclass(slots=True)
class _Turn:
    """What is known so far of a request that is worked on."""

    request_id: str
    now: int
    notes: dict[str, Any] = field(default_factory=dict)
    """For the log."""
    principal: Principal | None = None
    operation: Operation | None = None
    """Once it is known, what becomes of it is written into the audit."""
    purpose: str = ""
    asked: frozenset[str] = frozenset()
    """Ids that it names."""
    subjects: set[str] = field(default_factory=set)
    """Ids of whom and what is answered."""

    def audited(self) -> tuple[int, bytes] | None:
        """Give what is written into the audit; None for what is about nobody or was not understood."""
        if self.principal is None or self.operation is None or not self.operation.is_about_somebody:
            return None
        named, further = bounded(self.subjects, self.asked)
        entry = AuditEntry(
            actor=self.principal.name,
            role=self.principal.role,
            merchant_id=self.principal.merchant_id,
            purpose=self.purpose or self.operation.given_name,
            operation=self.operation.name,
            subjects=named,
            further_subjects=further,
            fields=self.operation.fields,
            outcome=self.notes.get("code", ANSWERED),
        )
        return self.now, salted(entry)


class GraphQLEndpoint:
    """Answers queries; all but the reading of bodies, and what is quick, happens in threads of its own.

    They live as long as the endpoint, so that what a store keeps for a thread is made once.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        store: Store,
        clock: Callable[[], int],
        policy: Policy,
        limits: Limits,
        trail: AuditTrail,
    ) -> None:
        """`clock` gives the time in µs since 1970-01-01 UTC."""
        self._schema, self._store, self._clock = schema, store, clock
        self._policy, self._limits, self._trail = policy, limits, trail
        self._documents = Documents(schema, limits)
        self._allowance = Allowance(limits.burst, limits.per_second)
        self._threads = ThreadPoolExecutor(limits.threads, "api")
        self._writers = BoundedSemaphore(limits.writers)
        self._afterwards = Afterwards()
        self._paces = Paces(store.reads_at_once)
        self._quick_one = asyncio.Lock()
        self._waiting = 0

    def close(self) -> None:
        """Wait for what is under way, and let go of the threads."""
        self._threads.shutdown()
        self._afterwards.close()

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        notes = notes_of(request.scope)
        request_id: str = notes["request_id"]
        try:
            _check_headers(request)
            body = await self._body(request)
            if self._waiting >= self._limits.at_once:
                raise _RefusedError(
                    503, "Too many requests are waiting; ask again.", TOO_MANY_REQUESTS, {"Retry-After": "1"}
                )
            self._waiting += 1
            try:
                answer = await self._paced(body, request.headers, request_id)
            finally:
                self._waiting -= 1
            answer = await self._written(answer, request_id)
        except _RefusedError as error:
            told = {"message": str(error), "extensions": {"code": error.code}}
            answer = _Answer(error.status, {"errors": [told]}, {"code": error.code}, error.headers)
        notes.update(answer.notes)
        kind = _GRAPHQL_JSON if _GRAPHQL_JSON in request.headers.get("accept", "") else _JSON
        return Response(
            orjson.dumps(answer.body),
            answer.status,
            {"Cache-Control": "no-store", **answer.headers},
            media_type=kind,
        )

    async def _paced(self, body: bytes, headers: Mapping[str, str], request_id: str) -> _Answer:
        """Work on a request in a thread, unless its like was quick."""
        kind = self._paces.kind_of(body, headers)
        if self._paces.is_quick(kind):
            # Before the next one, the loop sends what is answered and lets the audit be written.
            async with self._quick_one:
                answer, seconds = self._work(body, headers, request_id)
        else:
            loop = asyncio.get_running_loop()
            answer, seconds = await loop.run_in_executor(self._threads, self._work, body, headers, request_id)
        self._paces.note(kind, seconds, answer.notes)
        return answer

    async def _written(self, answer: _Answer, request_id: str) -> _Answer:
        """Give the answer once the audit has it; if it has not, nothing is told."""
        if answer.audited is None:
            return answer
        try:
            await self._trail.add(*answer.audited)
        except Exception as error:
            log_fault(error, request_id)
            masked = UnavailableError("the audit cannot be written")
            notes = answer.notes | {"code": UNAVAILABLE}
            return _Answer(status_of(masked), {"errors": [refusal(masked, request_id)]}, notes, {})
        return answer

    async def _body(self, request: Request) -> bytes:
        """Read the body, and no more of it than is allowed."""
        limit = self._limits.body_bytes
        too_large = _RefusedError(413, f"The request has more than {limit:,} bytes.")
        told = request.headers.get("content-length", "")
        if told.isascii() and told.isdigit() and (len(told) > 12 or int(told) > limit):
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > limit:
                        raise too_large
        except TimeoutError:
            raise _RefusedError(408, f"The request took longer than {_BODY_SECONDS} s to arrive.") from None
        except ClientDisconnect:
            raise _RefusedError(400, "The request ended early.") from None
        return bytes(body)

    def _work(self, body: bytes, headers: Mapping[str, str], request_id: str) -> tuple[_Answer, float]:
        """Answer what was asked, or say why not, and tell the seconds of work: those of this thread alone."""
        begun = time.thread_time()
        answer = self._answered(body, headers, request_id)
        return answer, time.thread_time() - begun

    def _answered(self, body: bytes, headers: Mapping[str, str], request_id: str) -> _Answer:
        """Answer what was asked, or say why not; faults are logged and say nothing."""
        turn = _Turn(request_id, self._clock())
        try:
            return self._ask(body, headers, turn)
        except InvalidQueryError as error:
            turn.notes["code"] = code_of(error)
            return _Answer(status_of(error), {"errors": refusals(error.errors, request_id)}, turn.notes, {})
        except Exception as error:
            if not is_expected(error):
                log_fault(error, request_id)
            turn.notes["code"] = code_of(error)
            told = {"errors": [refusal(error, request_id)]}
            return _Answer(status_of(error), told, turn.notes, _headers_of(error), turn.audited())

    def _ask(self, body: bytes, headers: Mapping[str, str], turn: _Turn) -> _Answer:
        now, notes = turn.now, turn.notes
        caller = caller_of(self._store, headers, now)
        notes |= {"key": caller.key_id, "role": caller.principal.role.value}
        turn.purpose = _purpose(headers)
        ask = _read(body)
        document = self._documents.read(ask.query)
        operation = document.operation(ask.operation)
        turn.principal = caller.principal
        try:
            refuse_closed_fields(operation.coordinates, caller.principal.role)
        except ForbiddenError:
            turn.operation = operation
            raise
        variables = get_variable_values(
            self._schema, operation.variables, ask.variables, max_errors=_MOST_ERRORS
        )
        if not isinstance(variables, VariableValues):
            raise InvalidQueryError(variables)
        cost = operation.cost.of(variables.coerced)
        if cost > self._limits.cost:
            raise InvalidError(
                f"The query may answer {cost:,} objects, and {self._limits.cost:,} are allowed; "
                "ask for smaller pages."
            )
        self._allowance.take(caller.key_id, cost, now)
        turn.operation, asked = operation, operation.asked.of(variables)
        turn.asked = frozenset(own_id for _, own_id in asked)
        looked_up = [own_id for kind, own_id in asked if kind == BUYER]
        count_lookups(self._store, caller.principal, looked_up, self._policy, now)
        with ExitStack() as snapshots:
            asking = Asking(
                self._store, caller.principal, now, self._policy, snapshots, subjects=turn.subjects
            )
            if operation.changes:
                notes["changes"] = operation.changes
                if not self._writers.acquire(blocking=False):
                    raise TooManyChangesError
                snapshots.callback(self._writers.release)
            else:
                asking.begin_reading()
            result = execute_sync(
                self._schema,
                document.node,
                context_value=asking,
                variable_values=ask.variables,
                operation_name=ask.operation,
                executor_class=LeafExecutor,
            )
        for name, work in asking.afterwards.items():
            self._afterwards.add(name, work, turn.request_id)
        if asking.refusals:
            notes["code"] = min(asking.refusals)
        actual = operation.cost.of_work + size_of(result.data)
        available = self._allowance.settle(caller.key_id, cost - actual, now)
        notes["cost"] = actual
        answer: dict[str, Any] = {"data": result.data}
        status = 200
        if result.errors:
            status = self._note_errors(result.errors, turn.request_id, notes)
            answer["errors"] = refusals(result.errors, turn.request_id)
        answer["extensions"] = {
            "cost": {
                "requested": cost,
                "actual": actual,
                "available": available,
                "restoreRate": self._limits.per_second,
            }
        }
        return _Answer(status, answer, notes, {}, turn.audited())

    def _note_errors(self, errors: Sequence[GraphQLError], request_id: str, notes: dict[str, Any]) -> int:
        """Log the faults among the errors of an answer, and give its status."""
        causes = [cause_of(error) for error in errors]
        for cause in causes:
            if not is_expected(cause):
                log_fault(cause, request_id)
        codes = {code_of(cause) for cause in causes}
        notes["code"] = min(codes)
        return 503 if UNAVAILABLE in codes else 200


def _check_headers(request: Request) -> None:
    """Let only JSON in: no page of another site can send it without asking first."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise _RefusedError(415, f'Send the query as {_JSON}: {{"query": …, "variables": …}}.')
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _RefusedError(415, "Send the query uncompressed.")


def _purpose(headers: Mapping[str, str]) -> str:
    """Read why somebody asks, if they say so. Raises InvalidError."""
    given = headers.get(_PURPOSE, "")
    try:
        return checked_purpose(given.encode("latin-1").decode()) if given else ""
    except UnicodeDecodeError as error:
        raise InvalidError("The purpose (X-Purpose) is no text in UTF-8.") from error


def _read(body: bytes) -> _Ask:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidError("The request is not JSON.") from error
    match said:
        case list():
            raise InvalidError("Ask one query at a time; a query may ask for several things.")
        case {"query": str(query)}:
            variables, operation = said.get("variables"), said.get("operationName")
            if isinstance(variables, dict | None) and isinstance(operation, str | None):
                return _Ask(query, variables or {}, operation or None)
    raise InvalidError(
        "The request must be an object with a text `query`, and maybe an object `variables` and a text "
        "`operationName`."
    )


def _headers_of(error: BaseException) -> Mapping[str, str]:
    if isinstance(error, UnauthenticatedError):
        return {"WWW-Authenticate": 'Bearer realm="Ringfence"'}
    if isinstance(error, TooManyChangesError):
        return {"Retry-After": "1"}
    if isinstance(error, TooManyRequestsError | TooManyLookupsError):
        return {"Retry-After": str(error.seconds)}
    return {}
