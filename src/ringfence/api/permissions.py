"""Who may ask for which fields: refused before anything is read, whatever the objects."""

from collections.abc import Mapping
from types import MappingProxyType

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from ringfence.domain.errors import ForbiddenError
from ringfence.domain.scope import Role

Coordinates = frozenset[tuple[str, str]]
"""(type, field)."""

MUTATION = "Mutation"
"""The type whose fields change something."""
_ALL_FIELDS: frozenset[str] = frozenset({"*"})
_PAGES = {"PageInfo": _ALL_FIELDS, "Node": _ALL_FIELDS}
_REPORT = frozenset(
    {
        "id",
        "reportId",
        "merchantId",
        "buyerId",
        "reportedAt",
        "claimId",
        "reason",
        "evidenceCount",
        "status",
        "statusReason",
        "version",
    }
)


def _list_of(kind: str) -> dict[str, frozenset[str]]:
    return {f"{kind}Connection": _ALL_FIELDS, f"{kind}Edge": _ALL_FIELDS}


_OPEN: Mapping[Role, Mapping[str, frozenset[str]] | None] = MappingProxyType(
    {
        Role.INVESTIGATOR: None,
        Role.OPERATOR: None,
        Role.JOB: {
            "Query": frozenset({"version", "run", "runs", "runRequest"}),
            "Run": _ALL_FIELDS,
            "RunRequest": _ALL_FIELDS,
            "StartRunPayload": _ALL_FIELDS,
            **_list_of("Run"),
            **_PAGES,
            "FileReportPayload": _ALL_FIELDS,
            "Report": _REPORT - {"status", "statusReason", "version"},
            "VerificationPayload": _ALL_FIELDS,
            "Verification": frozenset(
                {"id", "verificationId", "buyerId", "number", "state", "openedAt", "version"}
            ),
            "UserError": _ALL_FIELDS,
        },
        Role.MERCHANT: {
            "Query": frozenset(
                {
                    "version",
                    "buyer",
                    "buyerRisk",
                    "buyersRisk",
                    "report",
                    "reports",
                    "recovery",
                    "recoveries",
                    "recoveryStatement",
                }
            ),
            "Buyer": frozenset(
                {"id", "buyerId", "orders", "firstClaimAt", "lastClaimAt", "claims", "reports", "risk"}
            ),
            "BuyerRisk": frozenset({"buyerId", "band", "signals", "asOf", "buyer"}),
            "RiskSignal": frozenset({"signal", "explanation", "reason", "wouldLower"}),
            "Claim": _ALL_FIELDS,
            **_list_of("Claim"),
            "Money": _ALL_FIELDS,
            "Report": _REPORT,
            **_list_of("Report"),
            "Recovery": frozenset(
                {
                    "id",
                    "recoveryId",
                    "verificationId",
                    "merchantId",
                    "buyerId",
                    "payer",
                    "proposedAt",
                    "claims",
                    "totals",
                    "moves",
                    "disputes",
                    "isDisputed",
                    "version",
                }
            ),
            **_list_of("Recovery"),
            "RecoveredClaim": _ALL_FIELDS,
            "RecoveryMove": _ALL_FIELDS,
            "RecoveryTotal": _ALL_FIELDS,
            "RecoveryStatement": _ALL_FIELDS,
            "StatementTotal": _ALL_FIELDS,
            "StatementLine": _ALL_FIELDS,
            **_list_of("StatementLine"),
            **_PAGES,
            "FileReportPayload": _ALL_FIELDS,
            "ReportPayload": _ALL_FIELDS,
            "RecoveryPayload": _ALL_FIELDS,
            "UserError": _ALL_FIELDS,
        },
    }
)
"""What a role may ask for, by type; None for everything but changes. What is not listed here is closed."""
_CHANGES: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.INVESTIGATOR: frozenset(
            {
                "decideRing",
                "snooze",
                "allow",
                "undoDecision",
                "addNote",
                "assign",
                "dismissLead",
                "restoreLead",
                "openVerification",
                "assignVerification",
                "addVerificationNote",
                "decideVerification",
                "appeal",
                "reopenVerification",
                "approveRecovery",
                "refuseRecovery",
                "payRecovery",
                "returnRecovery",
            }
        ),
        Role.OPERATOR: frozenset({"startRun"}),
        Role.JOB: frozenset({"fileReport", "openVerification", "appeal", "startRun"}),
        Role.MERCHANT: frozenset({"fileReport", "withdrawReport", "disputeReport", "disputeRecovery"}),
    }
)
"""What a role may change: fields of Mutation, closed to everybody who is not listed here."""


def may_ask(role: Role, kind: str, name: str) -> bool:
    """Whether a role may ask for the field `name` of the type `kind`."""
    types = _OPEN[role]
    if kind == MUTATION:
        return name.startswith("__") or name in _CHANGES.get(role, frozenset())
    if types is None or name.startswith("__") or kind.startswith("__"):
        return True
    fields = types.get(kind, frozenset())
    return fields is _ALL_FIELDS or name in fields


def refuse_closed_fields(coordinates: Coordinates, role: Role) -> None:
    """Raise ForbiddenError if a role may not ask for one of these fields."""
    for kind, name in sorted(coordinates):
        if not may_ask(role, kind, name):
            raise ForbiddenError(f"A {role.value}'s key may not ask for {kind}.{name}.")


def coordinates_of(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Coordinates:
    """List the fields that a valid operation asks for, in fragments and under conditions too."""
    found: set[tuple[str, str]] = set()
    entered: set[str] = set()

    def walk(selections: SelectionSetNode, parent: GraphQLNamedType) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                name = node.name.value
                fields = getattr(parent, "fields", {})
                if name not in fields:
                    continue
                found.add((parent.name, name))
                if node.selection_set is not None:
                    walk(node.selection_set, get_named_type(fields[name].type))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                walk(node.selection_set, schema.type_map[condition.name.value] if condition else parent)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in entered:
                entered.add(node.name.value)
                fragment = fragments[node.name.value]
                walk(fragment.selection_set, schema.type_map[fragment.type_condition.name.value])

    root = schema.get_root_type(operation.operation)
    assert root is not None
    walk(operation.selection_set, root)
    return frozenset(found)
