"""What was kept when a report was known by its id alone, brought forward: named by its merchant, too."""

from collections.abc import Mapping
from typing import Any

from ringfence.domain.buyers import ReportRef


def named(state: Mapping[str, Any], merchant_of: Mapping[str, str]) -> dict[str, Any]:
    """Give a verification's state with the reports of its file by name; `merchant_of` is by report_id."""
    reports = [_name(each, merchant_of) for each in filed(state)]
    return {**state, "file": {**state["file"], "reports": reports}} if reports else dict(state)


def filed(state: Mapping[str, Any]) -> tuple[str, ...]:
    """Give what the file of a verification names reports by."""
    return tuple(state.get("file", {}).get("reports", ()))


def _name(report_id: str, merchant_of: Mapping[str, str]) -> str:
    return ReportRef(merchant_of[report_id], report_id).name if report_id in merchant_of else report_id
