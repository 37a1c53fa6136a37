"""Ringfence finds groups of buyers who coordinate refunds without return against many merchants.

In a notebook: `result = ringfence.detect(claims, orders)`, then `result.rings`, `result.members`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringfence.services.notebook import Result, detect

__all__ = ["Result", "detect"]


def __getattr__(name: str) -> Any:
    # Compiled detection takes a second to import; `ringfence --help` must not wait for it.
    if name in __all__:
        from ringfence.services import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'ringfence' has no attribute {name!r}")
