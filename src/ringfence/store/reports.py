"""The port of merchants' reports."""

from typing import Protocol

from ringfence.domain.buyers import Report
from ringfence.domain.scope import Scope


class Reports(Protocol):
    """Reports come with loads."""

    def of_buyer(self, buyer_id: str, scope: Scope) -> tuple[Report, ...]:
        """List the reports that accuse a buyer, latest first; a merchant's scope sees its own."""
