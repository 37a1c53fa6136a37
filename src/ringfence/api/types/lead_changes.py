"""What investigators do about a lead: what they say, and what is answered."""

from collections.abc import Callable

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.asking import Info
from ringfence.api.types.lead import Lead, one_lead
from ringfence.api.types.user_error import WHAT_CAN_BE_MENDED, Fields, UserError, tried
from ringfence.domain.errors import InvalidError
from ringfence.domain.lead_decisions import LeadStanding
from ringfence.domain.loads import BrowsingCopyError
from ringfence.services import leads
from ringfence.services.leads import LeadUnknownError
from ringfence.store.records import VersionConflictError

_LEAD = "The leadId of the lead."
_WHY = "Why, in words, at most 2,000 characters; the next reader sees it."
_SEEN = (
    "The `version` of the lead that was seen: CONFLICT if others changed its record since. If null, what "
    "they decided meanwhile is overridden."
)
_AT_FAULT: Fields = {
    LeadUnknownError: "leadId",
    VersionConflictError: "expectedVersion",
    BrowsingCopyError: None,
    InvalidError: "reason",
}


@strawberry.input
class DismissLeadInput:
    """Which lead is dismissed, and why."""

    lead_id: strawberry.ID = strawberry.field(description=_LEAD)
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class RestoreLeadInput:
    """Which lead is restored, and why."""

    lead_id: strawberry.ID = strawberry.field(description=_LEAD)
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.type
class LeadPayload:
    """What became of a change about a lead."""

    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)
    _lead_id: strawberry.Private[str]

    @strawberry.field
    def lead(self, info: Info) -> Lead | None:
        """The lead after the change; null if nothing was changed."""
        if self.user_errors:
            return None
        info.context.begin_reading()
        return one_lead(info.context, self._lead_id, None)


def dismiss(asking: Asking, said: DismissLeadInput) -> LeadPayload:
    """Dismiss a lead."""
    return _change(asking, said, leads.dismiss)


def restore(asking: Asking, said: RestoreLeadInput) -> LeadPayload:
    """Take a dismissal back."""
    return _change(asking, said, leads.restore)


def _change(
    asking: Asking, said: DismissLeadInput | RestoreLeadInput, change: Callable[..., LeadStanding]
) -> LeadPayload:
    _, errors = tried(
        asking,
        lambda: change(
            asking.store, asking.principal, said.lead_id, said.reason, asking.now, said.expected_version
        ),
        _AT_FAULT,
    )
    return LeadPayload(user_errors=errors, _lead_id=said.lead_id)
