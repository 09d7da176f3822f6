"""Start a whole reference system for each side of a comparison that is one.

Each has servers and data of its own, so that two of them differ in their settings and in nothing
else. What is started lies in guarded folders: it goes with this process, also when that is killed.
Add here: another setting, in config/duet_sides.py and below. Keep out: loading a side.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.duet_sides import ReferenceSide, told_side
from perf_pipeline.errors import StackError
from perf_pipeline.narration import Say
from perf_pipeline.stack.embedded import own_stack
from perf_pipeline.stack.parts import PARTS, StackOptions
from perf_pipeline.stack.redis import HINT, find_redis
from perf_pipeline.stack.sides import StartedSide

_VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pool_size": "BIRTHDAY_POOL_SIZE",
        "worker_concurrency": "BIRTHDAY_WORKER_CONCURRENCY",
        "send_ms": "BIRTHDAY_SEND_MS",
    }
)


@contextmanager
def started_references(
    state: Path, sides: Mapping[str, ReferenceSide], *, say: Say, stop: threading.Event
) -> Iterator[dict[str, StartedSide]]:
    """Yield the sides by name, each ready; all of them end with the block.

    Args:
        state: folder of this machine's state.
        sides: by name.
        say: gets a sentence for each step.
        stop: set it to give up the start.

    Raises:
        StackError: a part could not be had or started, or a side names a Redis and none is here.
        StoppedByUserError: `stop` was set meanwhile.
    """
    _require_named_redis(sides)
    with ExitStack() as stacks:
        yield {name: _started(stacks, state, name, side, say, stop) for name, side in sides.items()}


def _require_named_redis(sides: Mapping[str, ReferenceSide]) -> None:
    """Refuse a comparison by the cache where there is none: the sides would not differ in it."""
    named = {side.settings.get("redis") for side in sides.values()}
    if named - {None} and named != {"off"} and find_redis() is None:
        raise StackError(
            "there is no Redis server here, so that a side with redis=on and one with redis=off "
            "would be the same",
            hint=HINT,
        )


def options_of(side: ReferenceSide) -> StackOptions:
    """Return what is started for a side."""
    settings = side.settings
    return StackOptions(
        api_processes=int(settings.get("api", "1")),
        worker_processes=int(settings.get("workers", "1")),
        parts=PARTS - {"redis"} if settings.get("redis") == "off" else PARTS,
        settings=tuple(
            (variable, settings[name]) for name, variable in _VARIABLES.items() if name in settings
        ),
    )


def _started(
    stacks: ExitStack,
    state: Path,
    name: str,
    side: ReferenceSide,
    say: Say,
    stop: threading.Event,
) -> StartedSide:
    say(f"{name}: starting {told_side(side)}")
    options = options_of(side)
    stack = stacks.enter_context(own_stack(state, options, say=say, stop=stop))
    url = stack.endpoints.base_url
    if url is None:
        raise StackError(f"{name}: the reference system has no API")
    if "redis" in options.parts and stack.endpoints.redis_url is None:
        say(f"{name}: there is no Redis here, so it runs without its cache")
    (api,) = (service for service in stack.services if service.name == "api")
    return StartedSide(url, {"version": api.version}, stack.endpoints.postgres_dsn)
