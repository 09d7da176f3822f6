"""Scenarios written in Python: `exec = "my_package.module:checkout"` in a profile.

Three things can be named: an async function that takes a `VU`; a class whose instances are called
with it, one instance per virtual user; or a class with the engine's `Workload` protocol.
Add here: another thing to name. Keep out: what authors use (scenario.py), samples.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.engine.exception_text import log_traceback
from perf_pipeline.engine.ports import Iteration, WorkerContext, Workload
from perf_pipeline.errors import PerfPipelineError, ProfileError, ScenarioError
from perf_pipeline.scenario import VU, DeclaredScenario, ScenarioCode
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.http.connections import connect_first, connection_maker
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.parameters import OwnHttpSettings, traces_of
from perf_pipeline.workloads.python.importing import imported
from perf_pipeline.workloads.python.load_client import LoadClient
from perf_pipeline.workloads.python.samples import MOST_CHECKS, SampleBook
from perf_pipeline.workloads.python.transport import LoadTransport

_WORKLOAD_METHODS: Final = ("open", "iterate", "close")
_USER_AGENT: Final = "perf-pipeline"
_OPEN_LIMIT_S: Final = 60.0  # k6's setupTimeout, unless a script gives another


class PythonScenario:
    """Run the code that parameter `exec` names."""

    def __init__(self) -> None:
        self.protocol = "http"
        self.checks: Mapping[str, tuple[str, ...]] = {}
        self._runner: Workload | None = None

    async def open(self, context: WorkerContext) -> None:
        """Import the code and see whether the target accepts a connection.

        Raises:
            ProfileError: the code can't be a scenario.
            ScenarioError: there is no such code, or it raised before any iteration.
            TargetUnavailableError: the target accepts no connection.
        """
        own = PythonParameters.model_validate(context.parameters["own"])
        name = str(context.parameters["exec"])
        named = imported(name, Path(context.parameters["folder"]) / own.path)
        self._runner = runner = _runner_of(named, name, own)
        if isinstance(runner, _VuRunner):
            await runner.open(context)
        else:
            await _open_theirs(runner, name, context)
        self.protocol, self.checks = runner.protocol, runner.checks

    async def iterate(self, iteration: Iteration) -> None:
        """Do one iteration."""
        assert self._runner is not None
        await self._runner.iterate(iteration)

    async def close(self) -> None:
        """Close what `open` opened."""
        if self._runner is not None:
            await self._runner.close()


class _VuRunner:
    """Call an author's code, each time with its virtual user."""

    protocol = "http"

    def __init__(
        self, make: Callable[[], ScenarioCode], checks: tuple[str, ...], own: PythonParameters
    ) -> None:
        self._make = make
        self._declared = checks
        self._own = own
        self._operations: dict[str, tuple[str, ...]] = {}
        self.checks: Mapping[str, tuple[str, ...]] = self._operations
        self._users: dict[int, tuple[VU, ScenarioCode, SampleBook]] = {}
        self._has_doubted = False

    async def open(self, context: WorkerContext) -> None:
        self._context = context
        self._settings = settings = OwnHttpSettings.read(context, self._own)
        self._make_connection = connection_maker(settings, self._own)
        self._traces = traces_of(self._own, context)
        await connect_first(settings, self._own)

    async def iterate(self, iteration: Iteration) -> None:
        found = self._users.get(iteration.vu)
        if found is None:
            vu, book = self._user(iteration)
            code = self._make()
            # The author's own function, without a coroutine around it.
            code = code.code if type(code) is DeclaredScenario else code
            found = self._users[iteration.vu] = (vu, code, book)
        vu, code, book = found
        vu.iteration, vu.random = iteration.number, iteration.random
        if not self._own.keep_cookies:
            vu.client.cookies.clear()
        book.begin(iteration)
        try:
            await code(vu)
        except Exception as error:
            # The target's failure is a sample already, and ends the iteration.
            if not book.is_of_target(error):
                raise
            iteration.is_through = False
            if iteration.doubt and not self._has_doubted:
                self._has_doubted = True
                log_traceback(error)
        finally:
            book.end()

    async def close(self) -> None:
        for vu, *_ in self._users.values():
            await vu.client.aclose()
        self._users.clear()
        await asyncio.sleep(0)  # the event loop closes sockets on its next turn

    def _user(self, iteration: Iteration) -> tuple[VU, SampleBook]:
        context, own, settings = self._context, self._own, self._settings
        clock = context.clock
        book = SampleBook(context.recorder, clock.origin_ns, self._declared, self._operations)
        origin = settings.origin
        version = b"HTTP/2" if own.http2 else b"HTTP/1.1"
        transport = LoadTransport(
            _without_prefix(origin),
            self._make_connection,
            book,
            version,
            own.kept_body_bytes,
            None if self._traces is None else partial(book.traced, self._traces),
        )
        client = LoadClient(
            transport,
            base_url=str(origin),
            headers=_headers(settings, own),
            timeout=own.timeout_us / US_PER_S,
            follow_redirects=own.redirects > 0,
            max_redirects=own.redirects,
        )
        run = str(context.parameters["run"]).partition("/")[0]
        allowed = {name: settings.secrets[name] for name in own.secrets}
        vu = VU(client, iteration.vu, run, allowed, settings.env, own.settings, clock, book)
        return vu, book


def _without_prefix(origin: HttpOrigin) -> HttpOrigin:
    return HttpOrigin(origin.scheme, origin.host, origin.port)


def _headers(settings: OwnHttpSettings, own: PythonParameters) -> httpx.Headers:
    # As k6, which asks for no content coding; httpx would.
    headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
    if settings.authorization:
        headers["Authorization"] = settings.authorization
    # httpx would take ASCII only, and a profile's headers are latin-1 (RFC 9110, 5.5).
    pairs = {**headers, **own.headers}.items()
    return httpx.Headers([(name.encode("ascii"), text.encode("latin-1")) for name, text in pairs])


async def _open_theirs(runner: Workload, name: str, context: WorkerContext) -> None:
    """Open an author's workload.

    Raises:
        ScenarioError: it raised something else than an error of this package, or never ended.
    """
    try:
        async with asyncio.timeout(_OPEN_LIMIT_S) as limit:
            await runner.open(context)
    except PerfPipelineError:
        raise
    except Exception as error:
        what = f"raised {type(error).__name__}: {error}"
        if limit.expired():
            what = f"took longer than {_OPEN_LIMIT_S:g} s"
        raise ScenarioError(f"exec is {name!r}, and its open() {what}; no load was sent") from error


def _runner_of(named: Any, name: str, own: PythonParameters) -> Workload:
    if isinstance(named, type) and all(hasattr(named, method) for method in _WORKLOAD_METHODS):
        workload: Workload = named()
        return workload
    checks = getattr(named, "checks", ())
    mistake = _mistake_of(named, checks)
    if mistake:
        raise ProfileError("of the run", [f"exec is {name!r}, and {mistake}"])
    make = named if isinstance(named, type) else lambda: named
    return _VuRunner(make, tuple(checks), own)


def _mistake_of(named: Any, checks: object) -> str:
    """Say what keeps something from being a scenario; empty when nothing does."""
    call = named.__call__ if isinstance(named, type) else named
    is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004 - the method itself is looked at
    )
    if not is_async:
        return (
            "it is not an async function of a VU; write async def, or a class with async __call__"
        )
    if not isinstance(checks, tuple | list) or not all(isinstance(check, str) for check in checks):
        return "its checks are not a tuple of texts"
    if len(checks) > MOST_CHECKS or len(set(checks)) < len(checks):
        return f"it declares a check twice, or more than {MOST_CHECKS}"
    return ""
