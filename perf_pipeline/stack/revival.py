"""Start a part of a running stack again after it was killed: the way back of a fault step.

Add here: a part's own condition for being back. Keep out: killing (the fault step does that by
`ServiceInfo.pids`) and measuring the recovery.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from perf_pipeline.config.kafka_client import at_servers, bootstrap_servers
from perf_pipeline.errors import StackError
from perf_pipeline.stack.condition import is_answered
from perf_pipeline.stack.ending import reap
from perf_pipeline.stack.kafka import takes_part
from perf_pipeline.stack.kafka_configuration import number_of
from perf_pipeline.stack.kafka_storage import has_given_up_log
from perf_pipeline.stack.part_faults import empty_disks_of, kill_part
from perf_pipeline.stack.parts import Stack
from perf_pipeline.stack.process_register import (
    ProcessRecord,
    is_alive,
    is_zombie,
    read_register,
)
from perf_pipeline.stack.service import POLL_S, kept_command, log_path, spawn

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
            f"{part} was not started by the stack {stack.name}",
            hint=(f"it started these parts: {parts}"),
        )
    dead = tuple(record.name for record in records if not is_alive(record))
    for record in filter(is_zombie, records):
        reap(record.pid)  # PostgreSQL takes the zombie of a killed server for a running one
    for name in dead:
        is_back = partial(_is_back, stack, part, name)
        _start_again(stack, name, is_back, timeout_s)
    return dead


def make_room(stack: Stack, part: str, *, timeout_s: float = 60.0) -> None:
    """Empty the disk of a part that was filled, and return when the part answers again.

    A part that ended because its disk was full is started again, and so is a broker that has given
    up its log: it would end by itself half a minute later only.

    Raises:
        StackError: the part is not of this stack, or does not answer in time.
    """
    give_up_at = time.monotonic() + timeout_s
    empty_disks_of(stack.folder, part)
    while True:
        # It may end, or give up its log, only now, of what it could not write before.
        _end_without_log(stack.folder, part, give_up_at)
        revive(stack, part, timeout_s=timeout_s)
        # A broker without its log answers, too, and may have given it up in this moment.
        if is_answered(stack.endpoints, part) and not _without_log(stack.folder, part):
            return
        if time.monotonic() > give_up_at:
            raise StackError(f"{part} does not answer {timeout_s:g} s after its disk was emptied")
        time.sleep(POLL_S)


def _end_without_log(folder: Path, part: str, give_up_at: float) -> None:
    """Kill brokers that have given up their log, and wait until they are dead."""
    for record in _without_log(folder, part):
        kill_part(folder, record.part, record.name)
        while is_alive(record) and time.monotonic() < give_up_at:
            time.sleep(POLL_S)


def _without_log(folder: Path, part: str) -> list[ProcessRecord]:
    """Return the processes of a part that are brokers which have given up their log."""
    register = read_register(folder)
    if register is None or part != "broker":
        return []
    brokers = (record for record in register.processes if record.part == part)
    return [it for it in brokers if has_given_up_log(log_path(folder, it.name))]


def _is_back(stack: Stack, part: str, name: str) -> bool:
    """Say whether a part answers; one broker of several has to do so itself."""
    brokers = stack.endpoints.brokers
    if part != "broker" or brokers is None:
        return is_answered(stack.endpoints, part)
    servers = bootstrap_servers(brokers).split(",")
    return takes_part(at_servers(brokers, servers[number_of(name) - 1]))


def _start_again(stack: Stack, name: str, is_back: Callable[[], bool], timeout_s: float) -> None:
    command = kept_command(stack.folder, name)
    give_up_at = time.monotonic() + AGAIN_FOR_S
    while True:
        try:
            spawn(stack.folder, command).await_ready(is_back, timeout_s)
        except StackError:
            if time.monotonic() > give_up_at:
                raise
        else:
            return
