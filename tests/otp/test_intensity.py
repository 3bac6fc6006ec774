from __future__ import annotations

from cortex_actors.otp.intensity import RestartIntensity


def test_more_than_max_restarts_in_the_period_is_too_much() -> None:  # behaviour 21
    intensity = RestartIntensity(3, 5.0)
    assert [intensity.admits(at) for at in (0.0, 1.0, 2.0, 3.0)] == [True, True, True, False]


def test_restarts_spread_beyond_the_period_never_add_up() -> None:  # behaviour 22
    intensity = RestartIntensity(1, 5.0)
    assert all(intensity.admits(at) for at in range(0, 500, 5))


def test_none_is_unlimited_and_still_counted() -> None:
    intensity = RestartIntensity(None, 5.0)
    assert all(intensity.admits(0.0) for _ in range(100))
    assert len(intensity.times) == 100


def test_zero_allows_no_restart_at_all() -> None:
    assert not RestartIntensity(0, 5.0).admits(0.0)
