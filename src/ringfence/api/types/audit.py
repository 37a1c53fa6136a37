"""The audit."""

import strawberry

from ringfence.api.cursors import read_cursor
from ringfence.api.loaders import Asking
from ringfence.api.types.connections import Connection, connection
from ringfence.api.types.scalars import Time
from ringfence.domain.audit import SealedEntry
from ringfence.domain.scope import Role
from ringfence.services import audit


@strawberry.type
class AuditEntry:
    """One operation about people, as it was sealed: who asked for it, about whom, and why."""

    chain: str = strawberry.field(
        description="Name of its chain: a process that serves writes one of its own, commands continue one."
    )
    number: int = strawberry.field(description="1, 2, …: its place in the chain.")
    at: Time = strawberry.field(description="When it was asked.")
    digest: str = strawberry.field(description="SHA-256 of what it says, in hex.")
    mac: str = strawberry.field(
        description="HMAC-SHA-256 over the entry and the one before it, in hex: what verifying looks at."
    )
    is_erased: bool = strawberry.field(
        description="Whether it says nothing any more; then all fields after this one are null or empty."
    )
    actor: str | None = strawberry.field(
        description="Name of the key; of a command, the name of who gave it."
    )
    role: Role | None = strawberry.field(description="Role of the key, or of who gave the command.")
    merchant_id: strawberry.ID | None = strawberry.field(
        description="The marketplace's own id of the merchant who asked; null for others."
    )
    purpose: str | None = strawberry.field(
        description="Why, as the header X-Purpose or RINGFENCE_PURPOSE told it; else the operation's name."
    )
    operation: str | None = strawberry.field(
        description="What was asked for or changed: `buyer`, `ringfence risk`; several are joined by commas."
    )
    subjects: list[strawberry.ID] = strawberry.field(
        description="Ids of buyers, rings, verifications and the like that were asked for or answered, up to "
        "200 of them."
    )
    further_subjects: int | None = strawberry.field(description="How many there were besides those.")
    fields: list[str] = strawberry.field(
        description="Names of the fields that were asked for; none of a command, which always tells the same."
    )
    outcome: str | None = strawberry.field(description="ANSWERED, or the code of the refusal.")

    @classmethod
    def of(cls, sealed: SealedEntry) -> "AuditEntry":
        """Answer an entry."""
        told = sealed.entry
        return cls(
            chain=sealed.chain,
            number=sealed.number,
            at=Time(sealed.at),
            digest=sealed.digest.hex(),
            mac=sealed.mac.hex(),
            is_erased=told is None,
            actor=None if told is None else told.actor,
            role=None if told is None else told.role,
            merchant_id=strawberry.ID(told.merchant_id) if told and told.merchant_id else None,
            purpose=None if told is None else told.purpose,
            operation=None if told is None else told.operation,
            subjects=[strawberry.ID(one) for one in told.subjects] if told else [],
            further_subjects=None if told is None else told.further_subjects,
            fields=list(told.fields) if told else [],
            outcome=None if told is None else told.outcome,
        )


def audit_page(
    asking: Asking, first: int, after: str | None, actor: str | None, subject: str | None
) -> Connection[AuditEntry]:
    """Answer a page of the audit, latest first."""
    list_name = f"auditLog {actor or ''} {subject or ''}"
    cursor = read_cursor(list_name, after)
    key = cursor.key if cursor else None
    page = audit.list_audit(asking.store, asking.principal, first, key, actor, subject)
    nodes = [AuditEntry.of(sealed) for sealed in page.items]
    return connection(list_name, page, nodes, has_previous=cursor is not None)
