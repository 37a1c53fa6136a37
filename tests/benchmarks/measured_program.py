"""Run one program and write down what it cost, as JSON.

    python tests/benchmarks/measured_program.py REPORT LIMIT COMMAND...

This is a small process of its own because the kernel counts the resident set of the process that starts a
program into that program's peak. LIMIT is in seconds of wall clock, 0 for none; a program that exceeds it is
killed with all its children. Only the standard library is imported.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

NOT_STARTED = 127
"""What a shell answers for a command that does not exist."""


def run(command: list[str], limit_seconds: float) -> dict[str, object]:
    """Run `command` in a session of its own: code, seconds, cpu_seconds, peak_mib, is_timed_out."""
    started = time.perf_counter()
    try:
        process = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        print(error, file=sys.stderr)
        nothing = dict.fromkeys(("seconds", "cpu_seconds", "peak_mib"), 0.0)
        return {"code": NOT_STARTED, **nothing, "is_timed_out": False}
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        os.killpg(process.pid, signal.SIGKILL)

    alarm = threading.Timer(limit_seconds, stop)
    if limit_seconds:
        alarm.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        alarm.cancel()
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {
        "code": process.returncode,
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / unit,
        "is_timed_out": expired.is_set(),
    }


def main() -> None:
    """Read the arguments, run, write the report."""
    report, limit_seconds, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    Path(report).write_text(json.dumps(run(command, float(limit_seconds))))


if __name__ == "__main__":
    main()
