"""The chance that holders of a value meet so closely, so often."""

import math

from numba import njit

from ringfence.detection.tail import MOST_DECADES


@njit(cache=True, nogil=True)
def meeting_evidence(expected: float, surprise: float) -> float:
    """Give -log10 of the chance that meetings add up to `surprise` nats or more.

    Chance makes Poisson(`expected`) meetings, each of which adds nats that are exponential with mean 1:

        p = Σ_k Poisson(k; expected) · Q(k, surprise),   k = 1 …

    Q is the tail of Gamma(k). Returns decades between 0 and `MOST_DECADES`.
    """
    if surprise <= 0.0:
        return 0.0
    if expected <= 0.0:
        return MOST_DECADES
    log_weight = -expected
    log_term = -surprise
    # Σ of the terms so far, scaled by e^-scale, for sums far below the smallest floating-point number.
    tail, scale = 1.0, log_term
    total, total_scale = 0.0, -math.inf
    k = 1
    while True:
        log_weight += math.log(expected / k)
        log_p = min(math.log(tail) + scale, 0.0) + log_weight
        if log_p > total_scale:
            total = total * math.exp(total_scale - log_p) + 1.0
            total_scale = log_p
        else:
            step = math.exp(log_p - total_scale)
            total += step
            if k > expected and k > surprise and step < 1e-16 * total:
                break
            if k > expected and log_weight < math.log(total) + total_scale - 40.0:
                break
        log_term += math.log(surprise / k)
        if log_term > scale:
            tail = tail * math.exp(scale - log_term) + 1.0
            scale = log_term
        else:
            tail += math.exp(log_term - scale)
        k += 1
    decades = -(math.log(total) + total_scale) / math.log(10.0)
    return min(MOST_DECADES, max(0.0, decades))


@njit(cache=True, nogil=True)
def meeting_evidence_given_orders(
    expected: float, surprise: float, meetings: int, expected_by_orders: float
) -> float:
    """Give `meeting_evidence` where the holders shop together.

    h of the `meetings`, Poisson with mean `expected_by_orders`, may be about goods ordered together; the
    others carry the rest of the surprise:

        p = Σ_h Poisson(h; expected_by_orders) · 10^-meeting_evidence(expected, surprise · (1 - h / meetings))
    """
    if expected_by_orders <= 0.0 or meetings < 1:
        return meeting_evidence(expected, surprise)
    total = 0.0
    h = 0
    while True:
        weight = math.exp(h * math.log(expected_by_orders) - expected_by_orders - math.lgamma(h + 1.0))
        if h < meetings:
            weight *= 10.0 ** -meeting_evidence(expected, surprise * (1.0 - h / meetings))
        total += weight
        if h >= meetings and h > expected_by_orders and weight <= 1e-18 * total:
            break
        h += 1
    return min(MOST_DECADES, max(0.0, -math.log10(max(total, 10.0**-MOST_DECADES))))
