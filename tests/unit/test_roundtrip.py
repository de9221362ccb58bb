"""Time-outs follow RFC 6298."""

from boardproof_host.link.timeouts import FIRST, LONGEST, RoundTrip


def test_before_any_measurement() -> None:
    assert RoundTrip(0.01).timeout(0) == FIRST


def test_first_measurement_sets_half_as_deviation() -> None:
    rtt = RoundTrip(0.01)
    rtt.observe(0.1)
    assert abs(rtt.timeout(0) - (0.1 + 4 * 0.05)) < 1e-12


def test_second_measurement_uses_the_gains_of_the_rfc() -> None:
    rtt = RoundTrip(0.0)
    rtt.observe(0.1)
    rtt.observe(0.2)
    deviation = 0.05 + (0.1 - 0.05) / 4
    smoothed = 0.1 + 0.1 / 8
    assert abs(rtt.timeout(0) - (smoothed + 4 * deviation)) < 1e-12


def test_retries_double_up_to_the_longest() -> None:
    rtt = RoundTrip(0.2)
    rtt.observe(0.001)
    assert [rtt.timeout(n) for n in range(4)] == [0.2, 0.4, 0.8, 1.6]
    assert rtt.timeout(50) <= LONGEST
