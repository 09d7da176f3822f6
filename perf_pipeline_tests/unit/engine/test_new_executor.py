"""A new executor is one class: the plan and the engine ask it, and nobody asks for its name."""

from typing import Literal

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.executors.kinds import ArrivalRate, LoopingVUs, RampedRate, VuLine
from perf_pipeline.config.executors.stages import Stage
from perf_pipeline.plan.arrivals import arrivals, steady_rate_per_s
from perf_pipeline.plan.iterations import intended_iterations
from perf_pipeline.plan.vus import VuStep, vu_steps
from perf_pipeline.units import US_PER_S
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import run


class Wave(ArrivalRate):
    """Let the rate rise to `peak` and fall again."""

    executor: Literal["wave"] = "wave"
    peak: int
    half: Duration = US_PER_S

    @property
    def length_us(self) -> int:
        """Give both halves."""
        return 2 * self.half

    @property
    def most_starts(self) -> int:
        """Give the area under the triangle."""
        return self.peak * self.half // self.time_unit_us

    @property
    def planned_rate(self) -> RampedRate:
        """Give the triangle."""
        stages = [{"duration": self.half / 1_000, "target": top} for top in (self.peak, 0)]
        return RampedRate(0, self.time_unit_us, tuple(map(Stage.model_validate, stages)))

    @property
    def description(self) -> str:
        """Say it."""
        return f"a wave of {self.peak}"


class Pair(LoopingVUs):
    """Loop two VUs for a second."""

    executor: Literal["pair"] = "pair"

    @property
    def length_us(self) -> int:
        """Give the second."""
        return US_PER_S

    @property
    def most_vus(self) -> int:
        """Give two."""
        return 2

    @property
    def planned_vus(self) -> VuLine:
        """Give two."""
        return VuLine(2)

    @property
    def description(self) -> str:
        """Say it."""
        return "two VUs"


def test_a_new_arrival_rate_starts_as_its_one_class_says() -> None:
    wave = Wave(peak=10, pre_allocated_vus=5)

    # The area under the rising half is 5 t² (t in s): start n at sqrt(n/5) s; then mirrored.
    rising = [round(1e6 * (number / 5) ** 0.5) for number in range(1, 6)]
    falling = [2_000_000 - at_us for at_us in (*rising[3::-1], 0)]
    assert [start.at_us for start in arrivals(wave)] == [*rising, *falling]
    assert intended_iterations(wave) == wave.most_starts == 10
    assert steady_rate_per_s(wave) is None


def test_the_engine_runs_a_new_arrival_rate_without_being_told_of_it() -> None:
    done = run(Wave(peak=10, pre_allocated_vus=5), service_us=1_000)

    assert done.outcome.iterations == done.outcome.intended_iterations == 10
    assert done.outcome.dropped_iterations == 0
    assert done.took_us == 2_001_000


def test_the_engine_runs_new_looping_vus_without_being_told_of_them() -> None:
    pair = Pair()
    done = run(pair, service_us=250_000)

    assert vu_steps(pair) == [VuStep(0, 2), VuStep(US_PER_S, 0)]
    assert {sample.vu for sample in done.samples} == {1, 2}
    assert done.outcome.iterations == 8  # 2 VUs, 4 in a second
    assert intended_iterations(pair) == pair.most_starts == 0
