"""What shares of samples are worth: pure functions, for the record of a run and for the ladder."""

from math import exp, lgamma, log, sqrt

_Z = 1.959963984540054  # of a normal distribution, 95 % lie within


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval that holds a share of `count` samples with 95 % (E. B. Wilson, 1927)."""
    square = _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    reach = _Z / (1 + square) * sqrt(share * (1 - share) / count + square / count / 4)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mcnemar(one_alone: int, other_alone: int) -> float:
    """How likely so uneven a pair of counts is where neither is better: the exact test of Q. McNemar, two-sided.

    Args:
        one_alone, other_alone: samples that one of both has right and the other has not.
    """
    count, fewer = one_alone + other_alone, min(one_alone, other_alone)
    if count == 0:
        return 1.0
    terms = (
        exp(lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1) - count * log(2))
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * sum(terms))
