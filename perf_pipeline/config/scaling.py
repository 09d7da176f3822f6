"""The key `scaling` of a benchmark: search for its capacity at several numbers of units.

Add here: a key of a scaling run, with its meaning in the docstring (docs/profiles.md shows it).
Keep out: the search itself (capacity.py), and setting units (loading/unit_setter.py).
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen, equals
from perf_pipeline.units import US_PER_S

ScaledPart = Literal["api", "worker", "partitions"]
UNITS_PLACE: Final = "{n}"
"""What a command has where the number of units belongs."""
MOST_UNITS_OF_OURS: Final = 64
"""Processes of a part of the reference system, or partitions of its topic."""
_FEWEST_POINTS: Final = 2
_LIMIT_US: Final = 120 * US_PER_S


class ScalingConfig(Frozen):
    """Search for the capacity at several numbers of units, then restore the usual number.

    Attributes:
        units: the numbers of units, the fewest first.
        part: which part of the reference system is scaled: processes of its `api` or its `worker`,
            or the `partitions` of its topic. Its usual number is that of the profile
            (`apiProcesses`, `workerProcesses`), and 6 for partitions.
        run: for your own system, the command that sets the number, such as `docker compose up
            --detach --wait --scale api={n}`; it is given to `sh -c` with the number in place of
            `{n}`, and must end only when the units are ready.
        usual: the usual number of units, for `run`. It is restored whatever happens to the run,
            even if the run is killed, and may be set twice.
        time_limit_us: the longest time that setting a number may take.
        worth: another unit is worth it as long as it adds at least this share of what the first one
            carries.
        cores: how many cores the units may use. By default these are the cores of this machine, or
            of a container's CPU limit, without those of the load workers; there is no limit if the
            target is on another machine. More units than cores are not tried.
    """

    units: tuple[Annotated[int, Field(ge=1, le=1_000)], ...] = Field(
        default=(1, 2, 4), strict=False, max_length=20
    )
    part: ScaledPart | None = Field(default=None, exclude_if=equals(None))
    run: str = Field(default="", max_length=10_000, exclude_if=equals(""))
    usual: int | None = Field(default=None, ge=0, le=1_000, exclude_if=equals(None))
    time_limit_us: Duration = Field(
        default=_LIMIT_US, alias="timeLimit", ge=US_PER_S // 10, exclude_if=equals(_LIMIT_US)
    )
    worth: float = Field(default=0.5, gt=0, lt=1)
    cores: int | None = Field(default=None, ge=1, le=100_000, exclude_if=equals(None))

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(self.units) < _FEWEST_POINTS or sorted(set(self.units)) != list(self.units):
            raise ValueError(
                "units are at least two different numbers, the fewest first, such as [1, 2, 4]"
            )
        if self.part is not None:
            if self.run or self.usual is not None:
                raise ValueError(
                    "part is of the reference system, whose usual number the profile says; leave "
                    "run and usual out, or part for a system of your own"
                )
            if self.units[-1] > MOST_UNITS_OF_OURS:
                raise ValueError(f"the reference system has at most {MOST_UNITS_OF_OURS} of a part")
            return self
        if not self.run or self.usual is None:
            raise ValueError(
                "write run, the command that sets the number of units, and usual, how many there "
                'are otherwise; or part = "worker" for the reference system (docs/scaling.md)'
            )
        if UNITS_PLACE not in self.run:
            raise ValueError(
                f"run has no {UNITS_PLACE}, where the number of units belongs, such as 'docker "
                "compose up --detach --wait --scale api={n}'"
            )
        return self

    def command(self, units: int) -> str:
        """Return the command that sets a number of units."""
        return self.run.replace(UNITS_PLACE, str(units))
