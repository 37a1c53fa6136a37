"""What a store keeps of where a load came from: its source as JSON."""

import json
from dataclasses import asdict

from ringfence.domain.loads import FileCount, Load, LoadSource


def json_of(source: LoadSource) -> str:
    """Give a source as JSON."""
    told = {
        "digest": source.digest,
        "key_id": source.key_id,
        "normaliser": source.normaliser,
        "files": [asdict(each) for each in source.files],
        "filled": {name: dict(columns) for name, columns in source.filled.items()},
    }
    return json.dumps(told)


def load_of_row(load: int, begun_at: int, finished_at: int | None, source: str) -> Load:
    """Put a load together of what is kept of it."""
    told = json.loads(source)
    files = tuple(FileCount(**each) for each in told["files"])
    return Load(load, LoadSource(**{**told, "files": files}), begun_at, finished_at)
