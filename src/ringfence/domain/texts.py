"""What people write: reasons, notes, names."""

import unicodedata

from ringfence.domain.errors import InvalidError

LONGEST_NAME = 200
"""Characters of whatever names a person, a key or a merchant."""
_LAYOUT = "\n\t"


def checked_text(text: str, what: str, longest: int) -> str:
    """Give the text without blanks around it; `what` names it to whoever wrote it.

    Raises InvalidError if nothing is left, if there are more than `longest` characters, or if some cannot be
    written anywhere (control characters, halves of characters).
    """
    written = text.replace("\r\n", "\n").strip()
    if not written:
        raise InvalidError(f"{what} is empty; write one.")
    if len(written) > longest:
        raise InvalidError(f"{what} has {len(written):,} characters; at most {longest:,} are kept.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in _LAYOUT for letter in written):
        raise InvalidError(f"{what} holds characters that cannot be shown; write it without them.")
    return written
