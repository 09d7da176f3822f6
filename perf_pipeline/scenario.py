"""What people's Python scenarios import: the virtual user, checks, and the engine's own protocol.

A scenario is an async function that is given its virtual user; every request of the user's client
is a sample:

    from perf_pipeline.scenario import VU, scenario

    @scenario(checks=("found",))
    async def read_one(vu: VU) -> None:
        response = await vu.client.get("/user/1", extensions={"name": "read user"})
        vu.check("found", response.status_code == 200)
        await vu.think(0.5, 1.5)

A profile beside `visits.py` names it:

    [benchmarks.visits.scenarios.readers]
    exec = "visits:read_one"
    executor = "constant-vus"
    vus = 10
    duration = "30s"

What needs more than HTTP is a class with the methods of `Workload`; docs/engine.md has its rules.
Add here: what authors of scenarios need. Keep out: loading their code
(workloads/python/scenario.py).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Protocol

import httpx

from perf_pipeline.engine.ports import Clock, Iteration, Recorder, WorkerContext, Workload
from perf_pipeline.errors import TargetUnavailableError

__all__ = [
    "VU",
    "CheckBook",
    "DeclaredScenario",
    "Iteration",
    "Recorder",
    "ScenarioCode",
    "TargetUnavailableError",
    "WorkerContext",
    "Workload",
    "scenario",
]

_US_PER_S: Final = 1_000_000


class CheckBook(Protocol):
    """Keep what a scenario's checks say about its requests."""

    def check(self, name: str, of: str | None, *, holds: bool) -> None:
        """Note a check of the latest request, or of the latest one of an operation.

        Raises:
            ValueError: the name is not declared, or there is no such request in this iteration.
        """
        ...


class ScenarioCode(Protocol):
    """Do one iteration for the virtual user that it is given."""

    def __call__(self, vu: "VU", /) -> Awaitable[None]:
        """Do one iteration."""
        ...


@dataclass(frozen=True, slots=True)
class DeclaredScenario:
    """Hold an iteration with the names of its checks.

    Attributes:
        code: does one iteration.
        checks: names that `VU.check` may use.
    """

    code: ScenarioCode
    checks: tuple[str, ...]

    async def __call__(self, vu: "VU") -> None:
        """Do one iteration."""
        await self.code(vu)


def scenario(checks: tuple[str, ...] = ()) -> Callable[[ScenarioCode], DeclaredScenario]:
    """Declare an async function as a scenario, with the checks that it makes.

        @scenario(checks=("status is 200", "has an id"))
        async def visit(vu: VU) -> None: ...

    Args:
        checks: their names, at most 60; workers agree on them before the load.
    """
    return lambda code: DeclaredScenario(code, checks)


@dataclass(slots=True)
class VU:
    """Represent one virtual user; the same object serves all of its iterations.

        mail = f"visit-{vu.run}-{vu.id}-{vu.iteration}@example.com"  # never twice
        token = vu.secrets["SHOP_TOKEN"]
        visits = vu.state["visits"] = vu.state.get("visits", 0) + 1

    Attributes:
        client: an httpx.AsyncClient for the target, with its base URL; every request is a sample,
            named by `extensions={"name": "..."}` or else by method and path. A status of 200 to
            399 is right, or one of `extensions={"expect": {200, 404}}`.
        id: number of the virtual user over all workers, from 1.
        run: id of the run.
        secrets: environment variables that the profile lets through.
        env: the scenario's own `env`, a text by name; no secrets.
        settings: the profile's `settings`.
        state: whatever shall be there in the next iteration.
        iteration: number of this VU's iteration, from 0.
        random: seeded by run seed, scenario and VU.
    """

    client: httpx.AsyncClient
    id: int
    run: str
    secrets: Mapping[str, str]
    env: Mapping[str, str]
    settings: Mapping[str, Any]
    clock: Clock
    book: CheckBook
    state: dict[str, Any] = field(default_factory=dict)
    iteration: int = 0
    random: Random = field(default_factory=Random)

    def check(self, name: str, ok: object, *, of: str | None = None) -> bool:
        """Record whether something holds for the latest request, and return it.

            if not vu.check("signed up", answer.status_code == 201):
                return

        Args:
            name: declared by `@scenario(checks=...)`, or by the class attribute `checks`.
            ok: true when it holds.
            of: name of the operation whose latest request is meant; the latest of all otherwise.

        Raises:
            ValueError: the name is not declared, or there is no such request in this iteration.
        """
        self.book.check(name, of, holds=bool(ok))
        return bool(ok)

    async def think(self, low_s: float, high_s: float | None = None) -> None:
        """Pause for a uniformly random time from `low_s` to `high_s`, or for exactly `low_s`.

        await vu.think(0.5, 1.5)
        """
        pause_s = low_s if high_s is None else self.random.uniform(low_s, high_s)
        await self.clock.sleep_until_us(self.clock.now_us() + round(pause_s * _US_PER_S))
