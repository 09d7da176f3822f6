"""Start a part of a running stack again after it was killed: the way back of a fault step.

Add here: a part's own condition for being back. Keep out: killing (the fault step does that by
`ServiceInfo.pids`) and measuring the recovery.
"""

import json
import time
from collections.abc import Callable

from perf_pipeline.errors import StackError
from perf_pipeline.stack.ending import reap
from perf_pipeline.stack.kafka import answers
from perf_pipeline.stack.parts import Stack
from perf_pipeline.stack.postgres import postgres_answers
from perf_pipeline.stack.process_register import is_alive, is_zombie, read_register
from perf_pipeline.stack.redis import redis_answers
from perf_pipeline.stack.reference import is_healthy
from perf_pipeline.stack.service import Command, command_path, spawn

# After kill -9 of a postmaster its backends can hold the shared memory for a moment, and the
# first start fails.
AGAIN_FOR_S = 5.0


def revive(stack: Stack, part: str, *, timeout_s: float = 60.0) -> tuple[str, ...]:
    """Start the dead processes of the part with their own command lines; return their names.

    The part keeps its data and its address. Returns when it answers again, or at once when
    none of its processes is dead.

    Raises:
        StackError: the part is not of this stack, or does not come back in time.
    """
    register = read_register(stack.folder)
    records = [] if register is None else [r for r in register.processes if r.part == part]
    if not records:
        parts = ", ".join(service.name for service in stack.services if service.pids)
        raise StackError(
            f"{part} was not started by the stack {stack.name}", hint=f"what it started: {parts}"
        )
    dead = tuple(record.name for record in records if not is_alive(record))
    for record in filter(is_zombie, records):
        reap(record.pid)  # PostgreSQL takes the zombie of a killed server for a running one
    for name in dead:
        _start_again(stack, name, _condition(stack, part), timeout_s)
    return dead


def _start_again(stack: Stack, name: str, is_back: Callable[[], bool], timeout_s: float) -> None:
    document = json.loads(command_path(stack.folder, name).read_text(encoding="utf-8"))
    command = Command(**{**document, "argv": tuple(document["argv"])})
    give_up_at = time.monotonic() + AGAIN_FOR_S
    while True:
        try:
            spawn(stack.folder, command).await_ready(is_back, timeout_s)
        except StackError:
            if time.monotonic() > give_up_at:
                raise
        else:
            return


def _condition(stack: Stack, part: str) -> Callable[[], bool]:
    endpoints = stack.endpoints
    checks: dict[str, tuple[Callable[[str], bool], str | None]] = {
        "postgres": (postgres_answers, endpoints.postgres_dsn),
        "broker": (answers, endpoints.brokers),
        "redis": (redis_answers, endpoints.redis_url),
        "api": (is_healthy, endpoints.base_url),
    }
    check, endpoint = checks.get(part, (None, None))
    if check is None or endpoint is None:
        return lambda: True  # a worker and the relay have nothing that could be asked
    return lambda: check(endpoint)
