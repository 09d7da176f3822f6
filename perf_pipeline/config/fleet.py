"""Define the section `[fleet]` of a profile: the hosts that the load workers run on.

Add here: another key of `[fleet]`. Keep out: reaching the hosts (fleet/), and whether they may load
a target (loading/fleet.py).
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from perf_pipeline.config.bounds import MOST_GENERATORS, MOST_WORKERS
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.hosts import Place, is_this_machine, read_host, read_port

_SCHEMES = ("tcp", "tls")


def read_fleet_address(text: str) -> Place:
    """Return the host and port of a fleet's scheduler.

    Raises:
        ValueError: the text is not such an address; the sentence continues after it.
    """
    scheme, separator, rest = text.partition("://")
    host, colon, port = rest.rpartition(":")
    if scheme not in _SCHEMES or not (separator and colon):
        raise ValueError("is not the address of a scheduler, such as tls://fleet.example:8786")
    return Place(read_host(host), read_port(port))


def _checked(text: str) -> str:
    try:
        read_fleet_address(text)
    except ValueError as error:
        raise ValueError(f"{text[:200]!r} {error}") from None
    return text


class FleetConfig(Frozen):
    """Say on which hosts the load workers run (docs/fleet.md); without it, on this machine.

    Attributes:
        engine: what starts the workers: `dask`, the scheduler and workers of Dask distributed.
        address: the scheduler's address, such as `tls://fleet.example:8786`.
        generators: number of load worker processes on all hosts together; it replaces `workers`.
        encrypted: `false` allows `tcp://` to other machines, where everybody on the way can read
            what is sent to the workers, passwords included, and can start programs on the hosts.
    """

    engine: Literal["dask"] = "dask"
    address: Annotated[str, AfterValidator(_checked)]
    generators: int | None = Field(default=None, ge=1, le=MOST_GENERATORS)
    encrypted: bool = True

    @property
    def is_open(self) -> bool:
        """Say whether others on the network can read what goes to the hosts."""
        is_tls = self.address.startswith("tls://")
        return not (is_tls or is_this_machine(read_fleet_address(self.address).host))


def worker_mistakes(workers: int, fleet: FleetConfig | None) -> Iterator[str]:
    """Refuse more load workers than one machine can run; each needs memory and a core."""
    if fleet is None and workers > MOST_WORKERS:
        yield f"workers is {workers}; without a fleet it must be at most {MOST_WORKERS}"
