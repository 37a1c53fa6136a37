"""What whoever asked for a change can mend: told beside the object, not as an error of the whole answer."""

from collections.abc import Callable, Mapping

import strawberry

from ringfence.api.errors import code_of
from ringfence.api.loaders import Asking
from ringfence.api.types.enums import UserErrorCode
from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, RingfenceError


@strawberry.type
class UserError:
    """Why nothing was changed, and what to mend."""

    field: list[str] | None = strawberry.field(
        description="The input that is at fault, as a path from `input`; null if it is none of them."
    )
    message: str = strawberry.field(description="What is wrong, and what to do about it, in words.")
    code: UserErrorCode = strawberry.field(description="What kind of error it is.")


Fields = Mapping[type[RingfenceError], str | None]
"""Which input is at fault (None: none of them), by the kind of error: the first that fits."""


def refused(asking: Asking, change: Callable[[], object], fields: Fields) -> list[UserError]:
    """Change something, and tell what is to be mended if that is refused; then nothing was changed.

    What nobody who asks can mend is raised: ForbiddenError, UnavailableError.
    """
    try:
        change()
    except (InvalidError, ConflictError, NotFoundError) as error:
        code = code_of(error)
        asking.refusals.append(code)
        name = next((name for kind, name in fields.items() if isinstance(error, kind)), None)
        at_fault = None if name is None else ["input", name]
        return [UserError(field=at_fault, message=str(error), code=UserErrorCode[code])]
    return []
