"""The chance that innocent claims coincide so closely, so often: the one test all evidence comes from."""

import math

from numba import njit

MOST_DECADES = 300.0
"""Evidence is cut here: smaller chances have no floating-point number."""


@njit(cache=True, nogil=True)
def evidence(trials: int, chance: float, surprise: float) -> float:
    """Give -log10 of the chance that `trials` claims of one buyer meet another's so closely by luck.

    Each claim meets one with probability `chance` (clipped to 0..1); a meeting that is q/q0 as likely as the
    loosest one counted adds ln(q0/q), which is exponential for q uniform. The number of meetings is then
    Binomial(trials, chance), and k of them sum to `surprise` (nats, > 0) or more with the tail of Gamma(k):

        p = Σ_k Binom(k; trials, chance) · Q(k, surprise),   k = 1 … trials

    Returns decades between 0 and `MOST_DECADES`. (Fisher's method of combining, over a random count.)
    """
    if trials < 1 or chance <= 0.0:
        return MOST_DECADES
    if surprise <= 0.0:
        return 0.0
    theta = min(chance, 1.0 - 1e-12)
    log_none = trials * math.log1p(-theta)
    odds = theta / (1.0 - theta)
    poisson_term = math.exp(-surprise)
    # Beyond this, e^-surprise leaves the floating-point numbers although later terms do not.
    is_far = surprise > 600.0
    gamma_tail = 0.0
    total = 0.0
    weight = math.exp(log_none) if log_none > -600.0 else 0.0
    by_logarithms = log_none <= -600.0
    for k in range(1, trials + 1):
        gamma_tail = min(gamma_tail + poisson_term, 1.0)
        if is_far:
            poisson_term = math.exp(k * math.log(surprise) - surprise - math.lgamma(k + 1.0))
        else:
            poisson_term *= surprise / k
        if by_logarithms:
            weight = math.exp(
                math.lgamma(trials + 1.0)
                - math.lgamma(k + 1.0)
                - math.lgamma(trials - k + 1.0)
                + k * math.log(theta)
                + (trials - k) * math.log1p(-theta)
            )
        else:
            weight *= (trials - k + 1) / k * odds
        total += weight * gamma_tail
        if k > trials * theta and weight < 1e-18 * total:
            break
    if total <= 10.0**-MOST_DECADES:
        return MOST_DECADES
    return max(0.0, -math.log10(total))


@njit(cache=True, nogil=True)
def gamma_decades(count: int, surprise: float) -> float:
    """Give -log10 of the chance that `count` surprises add up to `surprise` nats or more: Q(count, surprise).

    Decades between 0 and `MOST_DECADES`. (Fisher's method: each is exponential.)
    """
    if count < 1 or surprise <= 0.0:
        return 0.0
    total = 0.0
    for k in range(count):
        total += math.exp(k * math.log(surprise) - surprise - math.lgamma(k + 1.0))
    return min(MOST_DECADES, max(0.0, -math.log10(max(total, 10.0**-MOST_DECADES))))


@njit(cache=True, nogil=True)
def evidence_given_orders(
    trials: int, chance: float, surprise: float, occasions: int, orders: int, rate: float, closer: float
) -> float:
    """Give `evidence` where two shop together: each of `orders` bought together is claimed for at `rate`.

    h of the meetings, on as many of the `occasions`, may be such; the others carry the rest of the surprise.
    Of a meeting that orders explain, `closer` nats remain: it is nearer than orders alone put it.

        p = Σ_h Binom(h; orders, rate) · 10^-e(h)
        e(h) = min over i ≤ h of
            evidence(trials - i, chance, surprise · (1 - i / occasions)) - log10 Q(i, i · closer)

    The least, since h orders explain h meetings or fewer: what is bought together never adds evidence.
    """
    most = min(occasions, trials)
    if orders < 1 or rate <= 0.0 or most < 1:
        return evidence(trials, chance, surprise)
    theta = min(rate, 1.0 - 1e-9)
    total = 0.0
    least = MOST_DECADES
    for h in range(orders + 1):
        # By logarithms, and without 1 - Σ: either would end at the 16th decade.
        weight = math.exp(
            math.lgamma(orders + 1.0)
            - math.lgamma(h + 1.0)
            - math.lgamma(orders - h + 1.0)
            + h * math.log(theta)
            + (orders - h) * math.log1p(-theta)
        )
        if h < most:
            others = evidence(trials - h, chance, surprise * (1.0 - h / occasions))
            least = min(least, others + gamma_decades(h, h * closer))
        elif h == most:
            least = min(least, gamma_decades(most, most * closer))
        weight *= 10.0**-least
        total += weight
        if h >= most and h > orders * theta and weight < 1e-18 * total:
            break
    return min(MOST_DECADES, max(0.0, -math.log10(max(total, 10.0**-MOST_DECADES))))


@njit(cache=True, nogil=True)
def joining_decades(
    trials: int,
    chance: float,
    surprise: float,
    occasions: int,
    orders: int,
    rate: float,
    closer: float,
    among: float,
    companions: int,
) -> float:
    """Give the decades, after multiplicity, of a buyer who may belong to a group.

    The buyer was singled out from 10^`among` buyers. One who shops with the group (`orders` > 0) is judged a
    second time given those orders, as one of `companions`, or of 10^`among` if they are fewer; the lesser
    evidence counts. All else is as in `evidence_given_orders`.
    """
    decades = evidence(trials, chance, surprise) - among
    if orders < 1:
        return decades
    given = evidence_given_orders(trials, chance, surprise, occasions, orders, rate, closer)
    return min(decades, given - min(among, math.log10(companions)))


@njit(cache=True, nogil=True)
def binomial_decades(trials: int, chance: float, least: int) -> float:
    """Give -log10 of the chance of `least` hits or more in `trials`, each with `chance` (0 to 1).

    Decades between 0 and `MOST_DECADES`.
    """
    if least < 1:
        return 0.0
    if chance <= 0.0 or least > trials:
        return MOST_DECADES
    theta = min(chance, 1.0 - 1e-12)
    total = 0.0
    for k in range(least, trials + 1):
        weight = math.exp(
            math.lgamma(trials + 1.0)
            - math.lgamma(k + 1.0)
            - math.lgamma(trials - k + 1.0)
            + k * math.log(theta)
            + (trials - k) * math.log1p(-theta)
        )
        total += weight
        if k > trials * theta and weight < 1e-18 * total:
            break
    return min(MOST_DECADES, max(0.0, -math.log10(max(total, 10.0**-MOST_DECADES))))
