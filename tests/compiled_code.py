"""Where the tests keep compiled code, and how it is made before they need it.

    python tests/compiled_code.py

compiles what a detection needs, in some minutes on a fresh machine; where it is kept already, in seconds.
"""

import hashlib
import os
import shutil
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_COMPILED = ("detection", "intake", "market", "domain")
"""The packages that compiled code lies in, and takes constants from."""


def keep_compiled_code() -> None:
    """Key compiled code by all it was compiled from: numba alone would miss a change in another file."""
    code = _ROOT / "src" / "ringfence"
    sources = sorted(path for package in _COMPILED for path in (code / package).rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = _ROOT / ".pytest_cache" / "numba"
    for old in kept.glob("*"):
        if old.name != digest:
            shutil.rmtree(old, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(Path(kept, digest))


def main() -> None:
    """Detect once in a small marketplace."""
    keep_compiled_code()
    # Imported here since numba reads its settings when it is imported.
    import ringfence
    from ringfence.generator import GeneratorOptions, generate_marketplace

    market = generate_marketplace(GeneratorOptions(buyers=1000))
    ringfence.detect(market.claims, market.orders)


if __name__ == "__main__":
    main()
