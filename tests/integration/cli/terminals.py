"""Ringfence on a terminal of its own."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

from processes import MODULE

ESCAPE = "\x1b"


def on_terminal(columns: int, *arguments: str | Path) -> str:
    """Run a command on a terminal of so many columns and give what it shows."""
    main, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        [*MODULE, *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        env=environment | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
    )
    os.close(its)
    shown = b""
    try:
        while piece := os.read(main, 65_536):
            shown += piece
    except OSError:
        pass  # Linux reports the end of a terminal as an error
    finally:
        os.close(main)
    assert process.wait() == 0
    return shown.decode("utf-8")


def plain(shown: str) -> str:
    """What a terminal shows, without colours."""
    return re.sub(rf"{ESCAPE}\[[0-9;?]*[a-zA-Z]", "", shown)
