"""A file that is written whole or not at all."""

import os
import tempfile
from pathlib import Path

from ringfence.domain.errors import UnavailableError


def write_whole(path: Path | str, content: bytes) -> None:
    """Replace the file at once; an interrupted write leaves the old one. Raises UnavailableError."""
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}-", dir=target.parent)
        staged = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            # A temporary file is its owner's alone; a result is for whoever may read what `open` makes.
            mask = os.umask(0)
            os.umask(mask)
            staged.chmod(0o666 & ~mask)
            staged.replace(target)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnavailableError(f"{target} cannot be written: {error.strerror or error}.") from error
