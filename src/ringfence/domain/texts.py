"""What people write: reasons, notes, names."""

import unicodedata

from ringfence.domain.errors import InvalidError

LONGEST_NAME = 200
"""Characters of whatever names a person, a key or a merchant."""
_LAYOUT = "\n\t"


class TextError(InvalidError):
    """A text that cannot be kept as it was written."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"{what} {problem}")
        self.what = what
        """Its name to whoever wrote it."""


def checked_text(text: str, what: str, longest: int) -> str:
    """Give the text without blanks around it; `what` names it to whoever wrote it.

    Raises TextError if nothing is left, if there are more than `longest` characters, or if some cannot be
    written anywhere (control characters, halves of characters).
    """
    written = text.replace("\r\n", "\n").strip()
    if not written:
        raise TextError(what, "is empty; write one.")
    if len(written) > longest:
        raise TextError(what, f"has {len(written):,} characters; at most {longest:,} are kept.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in _LAYOUT for letter in written):
        raise TextError(what, "holds characters that cannot be shown; write it without them.")
    return written
