"""Ringfence as others run it: one process a command, or in this process where that tells the same."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MODULE = (sys.executable, "-m", "ringfence")
_ENOUGH_SECONDS = 120

KILLED_AT_A_RENAME = """
import os, signal, sys
left, folder = int(sys.argv.pop(1)), sys.argv.pop(1)
def count(event, arguments):
    global left
    if event == "os.rename" and os.fspath(arguments[0]).startswith(folder):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
from ringfence.app import main
main()
"""
"""A process that dies at its n-th rename of what lies in a folder."""

NO_FILE_ABOVE_BYTES = """
import resource, sys
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
from ringfence.app import main
main()
"""
"""A process to whom the disk is full as soon as one file has so many bytes."""


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


def start(*arguments: str | Path, program: Sequence[str] = MODULE) -> subprocess.Popen[str]:
    """Start a process whose output can be read while it runs."""
    return subprocess.Popen(
        [*program, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for a process."""
    out, err = process.communicate(timeout=_ENOUGH_SECONDS)
    return Finished(process.returncode, out, err)


def run_process(*arguments: str | Path, program: Sequence[str] = MODULE) -> Finished:
    """Run a process to its end."""
    return finish(start(*arguments, program=program))


def interrupt_at(stage: str, *arguments: str | Path) -> Finished:
    """Press Ctrl-C when the stage has been told as done."""
    process = start(*arguments)
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith(f"{stage}:"):
            process.send_signal(signal.SIGINT)
            break
    finished = finish(process)
    return Finished(finished.code, finished.out, "".join(told) + finished.err)


def contents(folder: Path) -> dict[str, bytes]:
    """Give the bytes of every file in a folder, hidden ones included, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stable(folder: Path) -> dict[str, bytes]:
    """Give what must not depend on anything but the input: all but timings.json."""
    return {name: content for name, content in contents(folder).items() if name != "timings.json"}


def refusals(finished: Finished) -> list[str]:
    """Give the lines on standard error that say why a command failed; none of them may be a traceback."""
    assert "Traceback" not in finished.err
    return [line for line in finished.err.splitlines() if line.startswith("error: ")]
