import polars as pl

from ringfence.domain.durations import MICROSECONDS_A_DAY as DAY
from ringfence.domain.policy import Policy, VerificationPolicy
from ringfence.risk.report_weight import DECIDED
from ringfence.services.assess_buyers import confirmed_buyers

POLICY = Policy(verification=VerificationPolicy(confirmed_days=10))


def test_confirmed_are_those_whose_last_verification_said_so_as_long_as_it_counts() -> None:
    rows = [
        ("cleared", None, "confirmed", 92 * DAY),
        ("cleared", "m1", "rejected", 93 * DAY),
        ("late", None, "rejected", 80 * DAY),
        ("late", "m1", "confirmed", 90 * DAY),
        ("old", "m1", "confirmed", 90 * DAY - 1),
        ("unclear", None, "inconclusive", 99 * DAY),
    ]
    ended = pl.DataFrame(rows[::-1], schema=DECIDED, orient="row")
    assert confirmed_buyers(ended, POLICY, 100 * DAY).to_list() == ["late"]
