"""Report whether each part of the stack that `up` started runs, and the last line of its log.

Add here: another fact that a person needs to repair a part. Keep out: starting and ending.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StackError
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.complaints import cause_in, read_log
from perf_pipeline.stack.kafka import answers
from perf_pipeline.stack.parts import Endpoints, Stack, from_document
from perf_pipeline.stack.places import shown
from perf_pipeline.stack.postgres import postgres_answers
from perf_pipeline.stack.process_register import (
    ProcessRecord,
    ProcessRegister,
    is_alive,
    read_register,
)
from perf_pipeline.stack.redis import redis_answers
from perf_pipeline.stack.reference import is_healthy
from perf_pipeline.stack.service import GUARD

DOCUMENT: Final = "stack.json"
Check = Callable[[str], bool]
REMEDY: Final = "`perf-pipeline up` starts it again, and `perf-pipeline down` ends what still runs"
_PREPARING: Final = frozenset(
    {GUARD, "postgres-initdb", "postgres-password", "broker-format", "migrate"}
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Hold the condition of a part.

    Attributes:
        part: the name of the part, such as `broker`.
        ok: whether it runs and answers.
        sentence: a description of it, or of what is wrong with it.
    """

    part: str
    ok: bool
    sentence: str


def read_stack(folder: Path) -> Stack | None:
    """Return the stack that was once ready in the folder; None if there was none."""
    try:
        stack = from_document(json.loads((folder / DOCUMENT).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    ends = stack.endpoints
    for address in (ends.postgres_dsn, ends.brokers, ends.redis_url):
        KNOWN.add_address(address)
    return stack


def conditions(folder: Path) -> list[Condition]:
    """Return the condition of each part of the folder's stack; empty if none of it runs."""
    register = read_register(folder)
    if register is None or not any(is_alive(record) for record in _servers(register)):
        return []
    stack = read_stack(folder)
    if stack is None:
        started = [_of_process(folder, record) for record in _servers(register)]
        return [*started, _unfinished(register)]
    return [
        _of_service(folder, register, stack.endpoints, service.name)
        for service in stack.services
        if not service.is_external
    ]


def require_whole(folder: Path) -> None:
    """Refuse a stack of `up` if one of its parts has died or hangs.

    Raises:
        StackError: some have; the message names them.
    """
    register = read_register(folder)
    if register is None or register.owner is not None:
        return
    if wrong := faults_of(folder):
        raise StackError(f"the stack that is up is incomplete: {'; '.join(wrong)}", hint=REMEDY)


def faults_of(folder: Path) -> list[str]:
    """Say what is wrong with each part of the folder's stack that is not well."""
    return [
        f"{condition.part} {condition.sentence}"
        for condition in conditions(folder)
        if not condition.ok
    ]


def is_answered(endpoints: Endpoints, part: str) -> bool:
    """Say whether a part answers; True for a part that can't be asked, such as a worker."""
    checks: dict[str, tuple[str | None, Check]] = {
        "postgres": (endpoints.postgres_dsn, postgres_answers),
        "broker": (endpoints.brokers, answers),
        "redis": (endpoints.redis_url, redis_answers),
        "api": (endpoints.base_url, is_healthy),
    }
    endpoint, check = checks.get(part, (None, None))
    return endpoint is None or check is None or check(endpoint)


def _servers(register: ProcessRegister) -> list[ProcessRecord]:
    return [record for record in register.processes if record.name not in _PREPARING]


def _of_service(
    folder: Path, register: ProcessRegister, endpoints: Endpoints, part: str
) -> Condition:
    records = [record for record in register.processes if record.part == part]
    dead = [_of_process(folder, record) for record in records if not is_alive(record)]
    if dead:
        return Condition(part, ok=False, sentence=dead[0].sentence)
    if not is_answered(endpoints, part):
        pids = ", ".join(str(record.pid) for record in records)
        return Condition(part, ok=False, sentence=f"is running (pid {pids}), but does not answer")
    return Condition(part, ok=True, sentence="runs")


def _of_process(folder: Path, record: ProcessRecord) -> Condition:
    if is_alive(record):
        return Condition(record.name, ok=True, sentence=f"is running (pid {record.pid})")
    log = folder / "logs" / f"{record.name}.log"
    return Condition(
        record.name,
        ok=False,
        sentence=f"has ended (pid {record.pid}){_last_word(log)}",
    )


def _last_word(log: Path) -> str:
    try:
        text = read_log(log, 0, ())
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = cause_in("\n".join(lines[-5:])) or (lines[-1] if lines else "")
    return f"; the end of {shown(log)}: {last[:200]}" if last else f"; {shown(log)} is empty"


def _unfinished(register: ProcessRegister) -> Condition:
    owner = register.owner
    if owner is not None and is_alive(owner):
        return Condition("up", ok=False, sentence=f"is starting the stack now (pid {owner.pid})")
    what = (
        "was stopped before the stack was ready; parts that are not named here were never started"
    )
    return Condition("up", ok=False, sentence=what)
