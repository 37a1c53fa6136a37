"""What a figure was measured on: seconds mean nothing without it."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe_machine(libraries: Sequence[str]) -> dict[str, str]:
    """Name the processor, its usable cores, the memory, Python and the installed versions of `libraries`."""
    described = {
        "cpu": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for library in libraries:
        try:
            described[library] = version(library)
        except PackageNotFoundError:
            described[library] = "not installed"
    return described


def _cpu_model() -> str:
    """Read the processor's own name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
