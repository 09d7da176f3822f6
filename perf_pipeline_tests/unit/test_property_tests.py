"""Property tests fail for what the code does, and never for how busy the machine is."""

from hypothesis import HealthCheck, settings


def test_an_example_may_take_as_long_as_it_needs() -> None:
    in_force = settings()

    assert in_force.deadline is None
    assert HealthCheck.too_slow in in_force.suppress_health_check
