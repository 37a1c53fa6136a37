import pytest
from hypothesis import settings

from ringfence.intake import PseudonymKey

# the first example of a test may wait for compilation
settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")


@pytest.fixture
def key() -> PseudonymKey:
    return PseudonymKey(bytes(range(32)))
