"""Scenarios in Python that tests name by `own_flows:name`; imported as a user's module is.

Add here: something that an author might write. Keep out: assertions, they stand in the tests.
"""

import asyncio
from typing import Any

import httpx

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.scenario import VU, scenario


@scenario(checks=("is fine", "has token"))
async def login(vu: VU) -> None:
    """Make three requests, one of them named, with checks of two."""
    first = await vu.client.post("/login", json={"n": vu.iteration}, extensions={"name": "log in"})
    vu.check("has token", first.json()["token"] == "t-1")
    echoed = await vu.client.get("/echo/42", params={"q": "x y"})
    vu.check("is fine", echoed.json()["cookies"] == {"session": "s-1"})
    await vu.client.get("/status/404", extensions={"name": "gone", "expect": {404}})
    vu.check("is fine", ok=False, of="log in")


@scenario(checks=("echoes",))
async def echo_settings(vu: VU) -> None:
    """Send what the profile and the environment gave."""
    answer = await vu.client.post(
        "/echo", json={"settings": vu.settings, "secrets": dict(vu.secrets), "run": vu.run}
    )
    vu.state["said"] = answer.json()
    vu.check("echoes", answer.is_success)


async def at_once(vu: VU) -> None:
    """Make three requests at the same time."""
    await asyncio.gather(*(vu.client.get(f"/delay/{ms}") for ms in (50, 51, 52)))


async def asks_and_trusts(vu: VU) -> None:
    """Let httpx raise for a bad status; what comes after it is not done."""
    (await vu.client.get("/status/500")).raise_for_status()
    await vu.client.get("/never")


async def goes_on(vu: VU) -> None:
    """Ask for what fails, note how httpx says it, then ask for what does not."""
    try:
        await vu.client.get(vu.settings["path"], timeout=0.2)
    except httpx.TransportError as error:
        vu.state["error"] = type(error).__name__
    await vu.client.get("/ok")


async def goes_astray(vu: VU) -> None:
    """Ask another host than the target."""
    await vu.client.get("http://192.0.2.1/")


async def undeclared(vu: VU) -> None:
    """Make a check that nobody declared."""
    await vu.client.get("/status/200")
    vu.check("surprise", ok=True)


async def names_without_end(vu: VU) -> None:
    """Make up a new name for every request."""
    for number in range(600):
        await vu.client.get("/ok", extensions={"name": f"n{number}"})


async def stalls(vu: VU) -> None:
    """Make a request that is answered, then one that is not."""
    await vu.client.get("/ok")
    await vu.client.get("/stall")


async def thinks(vu: VU) -> None:
    """Pause 50 ms, then a seeded 0 to 100 ms."""
    await vu.client.get("/status/200")
    await vu.think(0.05)
    vu.state["drawn"] = vu.random.random()
    await vu.client.get("/status/201")


class Visitor:
    """Count one virtual user's visits."""

    checks = ("counted",)

    def __init__(self) -> None:
        self._visits = 0

    async def __call__(self, vu: VU) -> None:
        """Visit."""
        self._visits += 1
        answer = await vu.client.get(f"/echo/{self._visits}", extensions={"name": "visit"})
        vu.check("counted", answer.json()["path"] == f"/echo/{vu.iteration + 1}")


class Spoken:
    """Speak the engine's own protocol."""

    protocol = "http"
    checks: dict[str, tuple[str, ...]]

    def __init__(self) -> None:
        self.checks = {"spoken": ("said",)}

    async def open(self, context: WorkerContext) -> None:
        """Keep the recorder."""
        self._recorder, self._clock = context.recorder, context.clock

    async def iterate(self, iteration: Iteration) -> None:
        """Record one operation."""
        now_us = self._clock.now_us()
        self._recorder.sample(
            iteration, "spoken", now_us, now_us, Outcome.OK, status=200, checks_passed=1
        )

    async def close(self) -> None:
        """Do nothing."""


class Unopenable(Spoken):
    """Fail before the first iteration."""

    async def open(self, context: WorkerContext) -> None:  # noqa: ARG002 - the port's signature
        """Raise."""
        raise LookupError("no such shop")


class Unopened(Spoken):
    """Never come to the first iteration."""

    async def open(self, context: WorkerContext) -> None:  # noqa: ARG002 - the port's signature
        """Wait for ever."""
        await asyncio.Event().wait()


def plain(_: Any) -> None:
    """Be no async function."""


@scenario(checks=("twice", "twice"))
async def repeats(_: VU) -> None:
    """Declare a check twice."""
