"""The tiers of a system: the containers, units, processes or queries that show each tier's usage.

Add here: another way to read a tier. Keep out: reading it (probes/).
"""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from perf_pipeline.config.frozen import Frozen, equals, is_empty
from perf_pipeline.config.patterns import NAME_PATTERN

QUERIES: Final = ("cpu_percent", "memory_bytes", "io_bytes_per_s", "network_bytes_per_s")
"""What a query can give of a tier: the figures of `process_…`."""

TierName = Annotated[str, Field(pattern=NAME_PATTERN)]
_PLACES: Final = ("containers", "units", "processes")


def _as_query(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


class TierConfig(Frozen):
    """Say in which one of these ways a tier of a system is watched.

    Attributes:
        containers: names of its containers, which are read through the Docker API.
        units: its systemd units on this machine, such as `postgresql.service`.
        processes: names of its processes on this machine, such as `postgres`.
        cpu_percent: a PromQL query of its CPU use, in percent of one core.
        memory_bytes: a PromQL query of its resident memory.
        io_bytes_per_s: a PromQL query of the bytes that it reads and writes per second.
        network_bytes_per_s: a PromQL query of the bytes that it sends and receives per second.
        cores: how many cores the tier has, as a number or a PromQL query; by default the limit of
            its containers, or the number of this machine's cores.
    """

    containers: tuple[str, ...] = Field(default=(), strict=False, exclude_if=is_empty)
    units: tuple[str, ...] = Field(default=(), strict=False, exclude_if=is_empty)
    processes: tuple[str, ...] = Field(default=(), strict=False, exclude_if=is_empty)
    # These keys have the names of the readings that they give.
    cpu_percent: str = Field(default="", alias="cpu_percent", exclude_if=is_empty)
    memory_bytes: str = Field(default="", alias="memory_bytes", exclude_if=is_empty)
    io_bytes_per_s: str = Field(default="", alias="io_bytes_per_s", exclude_if=is_empty)
    network_bytes_per_s: str = Field(default="", alias="network_bytes_per_s", exclude_if=is_empty)
    cores: Annotated[str, BeforeValidator(_as_query)] = Field(default="", exclude_if=equals(""))

    @model_validator(mode="after")
    def _is_read_in_one_way(self) -> Self:
        given = [name for name in _PLACES if getattr(self, name)]
        given += ["a query"] if any(getattr(self, name) for name in QUERIES) else []
        if len(given) != 1:
            told = f"has {' and '.join(given)}" if given else "names nothing that could be read"
            raise ValueError(
                f"{told}; write one of {', '.join(_PLACES)}, or queries ({', '.join(QUERIES)})"
            )
        if self.fixed_cores is not None and not self.fixed_cores > 0:
            raise ValueError(f"has {self.cores} cores; it must be more than 0")
        return self

    @property
    def queries(self) -> dict[str, str]:
        """Return the queries by the metric that they yield, including cores."""
        named = (*QUERIES, *(() if self.fixed_cores is not None else ("cores",)))
        return {name: query for name in named if (query := getattr(self, name))}

    @property
    def fixed_cores(self) -> float | None:
        """Return the number of cores if it is a number and not a query."""
        try:
            return float(self.cores)
        except ValueError:
            return None
