"""Compiled code is cached by what it was compiled from: numba alone would miss a change in another file."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    sources = sorted((config.rootpath / "src").rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = config.rootpath / ".pytest_cache" / "numba"
    for old in kept.glob("*"):
        if old.name != digest:
            shutil.rmtree(old, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(Path(kept, digest))
