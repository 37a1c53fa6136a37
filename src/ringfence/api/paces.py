"""Requests that are answered sooner than they could be handed to a thread and back."""

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from ringfence.domain.scope import Role

_QUICK_SECONDS = 0.004
"""What lasts longer would keep others waiting."""
_WEIGHT_OF_ONE = 1 / 8
"""Of the last request in what its kind took lately."""
_KEPT = 2_000
_AUTHORIZATION = "authorization"


class Paces:
    """What lately asked requests took, by who asked and for what: ids may be others, sizes may not."""

    def __init__(self, reads_at_once: bool) -> None:
        """`reads_at_once` says whether the store answers without waiting for anybody."""
        self._reads_at_once = reads_at_once
        self._seconds: OrderedDict[Any, float] = OrderedDict()

    def kind_of(self, body: bytes, headers: Mapping[str, str]) -> Any:
        """Give what makes requests alike; None for one that is to be worked on in a thread."""
        if not self._reads_at_once:
            return None
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(said, dict):
            return None
        variables = said.get("variables") or {}
        if not isinstance(variables, dict):
            return None
        sizes = tuple(sorted((name, _size(value)) for name, value in variables.items()))
        return headers.get(_AUTHORIZATION), str(said.get("query")), str(said.get("operationName")), sizes

    def is_quick(self, kind: Any) -> bool:
        """Say whether requests of a kind have been quick lately."""
        return self._seconds.get(kind, math.inf) <= _QUICK_SECONDS

    def note(self, kind: Any, seconds: float, notes: Mapping[str, Any]) -> None:
        """Note the work of a request, in seconds, and what the log says of it.

        Changes, and merchants' questions, whose number is counted, may wait for others who write; what is
        refused may not be refused the next time.
        """
        if kind is None:
            return
        may_wait = "changes" in notes or "code" in notes or notes.get("role") in (None, Role.MERCHANT.value)
        if may_wait:
            self._seconds.pop(kind, None)
            return
        # One that the machine was slow for does not make its kind slow.
        lately = self._seconds.get(kind, seconds)
        self._seconds[kind] = lately + (seconds - lately) * _WEIGHT_OF_ONE
        self._seconds.move_to_end(kind)
        if len(self._seconds) > _KEPT:
            self._seconds.popitem(last=False)


def _size(value: Any) -> str:
    """Give what of a variable says how much is asked for."""
    if isinstance(value, str) or value is None:
        return ""
    if isinstance(value, list | dict):
        return f"{len(value)} {len(orjson.dumps(value)) // 64}"
    return repr(value)
