"""What whoever asked for a change can mend: told beside the object, not as an error of the whole answer."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import strawberry

from ringfence.api.errors import code_of
from ringfence.api.loaders import Asking
from ringfence.api.types.enums import UserErrorCode
from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, RingfenceError

_Changed = TypeVar("_Changed")
WHAT_CAN_BE_MENDED = (
    "What whoever asked can mend; empty if the change was made, and else nothing was changed."
)


@strawberry.type
class UserError:
    """Why nothing was changed, and what to mend."""

    field: list[str] | None = strawberry.field(
        description="The input that is at fault, as a path from `input`; null if it is none of them."
    )
    message: str = strawberry.field(description="What is wrong, and what to do about it, in words.")
    code: UserErrorCode = strawberry.field(description="What kind of error it is.")


Fields = Mapping[type[RingfenceError], str | Callable[[Any], str] | None]
"""Which input is at fault (None: none of them), by the kind of error: the first that fits."""


def tried(
    asking: Asking, change: Callable[[], _Changed], fields: Fields
) -> tuple[_Changed | None, list[UserError]]:
    """Change something, and tell what is to be mended if that is refused; then nothing was changed.

    What nobody who asks can mend is raised: ForbiddenError, UnavailableError.
    """
    try:
        return change(), []
    except (InvalidError, ConflictError, NotFoundError) as error:
        code = code_of(error)
        asking.refusals.append(code)
        name = next((name for kind, name in fields.items() if isinstance(error, kind)), None)
        if callable(name):
            name = name(error)
        at_fault = None if name is None else ["input", name]
        return None, [UserError(field=at_fault, message=str(error), code=UserErrorCode[code])]
