import math

import pytest

from perf_pipeline.analysis.machine import Machine, Slowdown, aligned, slowdowns, usual

QUIET = [Machine(cpu_s=0.1, loopback_s=0.2, disk_s=0.3)] * 10


def of(*, cpu: float = 1.0, loopback: float = 1.0) -> Machine:
    return Machine(cpu_s=0.1 * cpu, loopback_s=0.2 * loopback)


def test_the_usual_figure_is_the_middle_of_the_shortest_half() -> None:
    # three of five: 1.0 to 1.2, half length 0.1; 1.4826 * (1 + 5/4) * 0.1 = 0.33359
    centre, spread = usual([9.5, 1.0, 1.1, 9.0, 1.2])

    assert centre == pytest.approx(1.1)
    assert spread == pytest.approx(0.333585)


def test_a_machine_that_is_as_usual_has_no_factor() -> None:
    assert slowdowns(QUIET, of(), ("cpu_s",))[-1] == Slowdown()
    # ln 1.03 = 0.0296, below two spreads of 0.02
    assert slowdowns(QUIET, of(cpu=1.03), ("cpu_s",))[-1] == Slowdown()


def test_one_part_out_of_line_is_the_slowdown() -> None:
    # ln 1.4 = 0.3365; the other part is in line and does not dilute it
    found = slowdowns(QUIET, of(cpu=1.4), ("cpu_s", "loopback_s"))[-1]

    assert found.log_factor == pytest.approx(math.log(1.4))
    assert found.error == pytest.approx(0.02)


def test_parts_that_are_a_little_slow_together_are_the_slowdown() -> None:
    # the mean, 0.0296, has an error of 0.02 / sqrt 2 = 0.0141
    found = slowdowns(QUIET, of(cpu=1.03, loopback=1.03), ("cpu_s", "loopback_s"))[-1]

    assert found.log_factor == pytest.approx(math.log(1.03))
    assert found.error == pytest.approx(0.02 / math.sqrt(2))


def test_two_types_of_machine_are_told_apart_in_the_history() -> None:
    history = [of(), of(cpu=1.4, loopback=1.4), of()] * 4

    factors = [
        slowdown.log_factor for slowdown in slowdowns(history, of(), ("cpu_s", "loopback_s"))
    ]

    assert factors == pytest.approx([0, math.log(1.4), 0] * 4 + [0])


@pytest.mark.parametrize("seconds", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_figure_that_is_none_is_not_known(seconds: float | None) -> None:
    assert slowdowns(QUIET, Machine(cpu_s=seconds), ("cpu_s",))[-1] == Slowdown()


def test_four_readings_are_too_few_to_know_what_is_usual() -> None:
    assert slowdowns(QUIET[:4], of(cpu=2.0))[-1] == Slowdown()
    assert slowdowns([*QUIET[:4], None], of(cpu=2.0))[-1] == Slowdown()
    assert slowdowns(QUIET[:5], of(cpu=2.0), ("cpu_s",))[-1].log_factor == pytest.approx(0.6931472)


def test_a_history_without_machines_knows_nothing_of_them() -> None:
    assert aligned((), 2) == (None, None)
    with pytest.raises(ValueError, match="3 machines were given for 2 runs; give one for each"):
        aligned([None] * 3, 2)
