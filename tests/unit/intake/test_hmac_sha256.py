import hmac

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ringfence.intake.hmac_sha256 import hmac_sha256


@given(
    key=st.binary(max_size=64),
    prefix=st.binary(max_size=70),
    messages=st.lists(st.binary(max_size=200), max_size=12),
)
def test_it_is_hmac_sha256(key: bytes, prefix: bytes, messages: list[bytes]) -> None:
    data = np.frombuffer(b"".join(messages), np.uint8)
    starts = np.cumsum([0, *map(len, messages)]).astype(np.int64)
    digests = hmac_sha256(key, prefix, data, starts)
    assert [row.tobytes() for row in digests] == [
        hmac.digest(key, prefix + message, "sha256") for message in messages
    ]
