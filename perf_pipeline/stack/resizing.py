"""Give a part of the reference system another number of processes, or its topic of partitions.

Processes are added and removed while the rest runs on; the caller makes sure that no load runs
meanwhile. Calling it again finishes a change that was interrupted.

Add here: another part whose number can be set. Keep out: deciding when, and restoring the usual
number (loading/unit_setter.py, undoing.py).
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from perf_pipeline.errors import StackError
from perf_pipeline.stack.ending import end_processes
from perf_pipeline.stack.kafka_group import group_is_exactly
from perf_pipeline.stack.kafka_topic import make_anew, messages_left, partitions_of
from perf_pipeline.stack.parts import Stack
from perf_pipeline.stack.process_register import ProcessRecord, forget, is_alive, read_register
from perf_pipeline.stack.reference import (
    GROUP,
    IDENTITY,
    PARTITIONS,
    SETTLED_POLL_S,
    TOPIC,
    all_serve,
)
from perf_pipeline.stack.service import POLL_S, Command, Service, command_path, kept_command, spawn

_PROCESSES: Final = "--processes"
_NEVER: Final = threading.Event()


def resize(
    stack: Stack, what: str, number: int, *, timeout_s: float, stop: threading.Event = _NEVER
) -> None:
    """Set a number, and wait until all of them work and the consumer group is settled.

    Args:
        stack: that runs the reference system.
        what: `api`, `worker` (both processes) or `partitions`.
        number: how many there shall be, at least 1.
        timeout_s: how long it may take.
        stop: set it to give up.

    Raises:
        StackError: something did not start, end or settle; asking again goes on from there.
    """
    resizing = _Resizing(stack, time.monotonic() + timeout_s, stop)
    match what:
        case "api":
            resizing.set_api(number)
        case "worker":
            resizing.set_workers(number)
        case _:
            resizing.set_partitions(number)


class _Resizing:
    """Set one number; everything that is waited for ends at the same time."""

    def __init__(self, stack: Stack, give_up_at: float, stop: threading.Event) -> None:
        self._stack = stack
        self._folder = stack.folder
        self._brokers = stack.endpoints.brokers or ""
        self._give_up_at = give_up_at
        self._stop = stop

    def set_api(self, number: int) -> None:
        """Restart the API with this many processes, behind the same address."""
        command = kept_command(self._folder, "api")
        at = command.argv.index(_PROCESSES) + 1
        argv = (*command.argv[:at], str(number), *command.argv[at + 1 :])
        records, started = self._records("api"), list[Service]()
        if argv != command.argv or not all(map(is_alive, records)):
            end_processes(self._folder, records)
            started.append(spawn(self._folder, replace(command, argv=argv)))
        port = urlsplit(self._stack.endpoints.base_url or "").port or 0
        self._await(
            f"not all of {number} API processes serve",
            lambda: all_serve(self._folder, port, number),
            started,
        )

    def set_workers(self, number: int) -> None:
        """Start workers or take some away, the last ones first, until there are so many."""
        names = [f"worker-{position}" for position in range(1, number + 1)]
        surplus = [record for record in self._records("worker") if record.name not in names]
        end_processes(self._folder, surplus)
        forget(self._folder, {record.name for record in surplus})
        alive = {record.name for record in self._records("worker") if is_alive(record)}
        started = [spawn(self._folder, self._worker(it)) for it in names if it not in alive]
        self._await_group(partitions_of(self._brokers, TOPIC), started)

    def set_partitions(self, number: int) -> None:
        """Recreate the topic with this many partitions, when its messages are consumed.

        A member that comes back under its name would get the partitions that it had from the
        broker: where their number is not the usual one, workers have no names.
        """
        self._require_own_broker()
        workers, started = self._records("worker"), list[Service]()
        is_so = partitions_of(self._brokers, TOPIC) == number
        if not is_so or not all(map(is_alive, workers)):
            end_processes(self._folder, self._records("relay"))
            self._await(
                "not all messages of the topic are consumed",
                lambda: not messages_left(self._brokers, GROUP, TOPIC),
            )
            end_processes(self._folder, workers)
            make_anew(self._brokers, TOPIC, number, self._left_s())
            commands = [kept_command(self._folder, record.name) for record in workers]
            started += [spawn(self._folder, _named(command, number)) for command in commands]
        if not all(map(is_alive, self._records("relay"))):  # also where an earlier try ended it
            started.append(spawn(self._folder, kept_command(self._folder, "relay")))
        self._await_group(number, started)

    def _records(self, part: str) -> list[ProcessRecord]:
        register = read_register(self._folder)
        found = () if register is None else register.processes
        return [process for process in found if process.part == part]

    def _worker(self, name: str) -> Command:
        """Return the command of a worker that was here before, or of one more.

        One more has no name in its group, so that its partitions are free as soon as it has left.
        """
        if command_path(self._folder, name).exists():
            return kept_command(self._folder, name)
        first = kept_command(self._folder, "worker-1")
        environment = {key: its for key, its in first.environment.items() if key != IDENTITY}
        return replace(first, name=name, environment=environment)

    def _require_own_broker(self) -> None:
        broker = next(it for it in self._stack.services if it.name == "broker")
        if broker.is_external:
            raise StackError(
                f"the topic {TOPIC} is on a broker that was given, where nothing is deleted",
                hint="leave PERF_KAFKA_BROKERS out, so that the run starts a broker",
            )

    def _await_group(self, partitions: int, started: Sequence[Service]) -> None:
        """Wait until each worker has its share, and nobody who is gone has one any more."""
        names = [record.name for record in self._records("worker")]
        self._await(
            f"the group of {len(names)} workers is not settled",
            lambda: group_is_exactly(self._brokers, GROUP, len(names), partitions),
            started,
            poll_s=SETTLED_POLL_S,
        )

    def _left_s(self) -> float:
        return max(1.0, self._give_up_at - time.monotonic())

    def _await(
        self,
        else_told: str,
        is_so: Callable[[], bool],
        services: Sequence[Service] = (),
        *,
        poll_s: float = POLL_S,
    ) -> None:
        """Wait until something is so.

        Raises:
            StackError: it is not in time, a process ended, or nobody wants it any more.
        """
        while not is_so():
            register = read_register(self._folder)
            if register is None or register.is_closed:
                raise StackError("the stack is being stopped, so that nothing is waited for")
            for service in services:
                service.require_alive()
            if time.monotonic() > self._give_up_at:
                raise StackError(f"{else_told}, and its time is over")
            if self._stop.wait(poll_s):
                raise StackError("it was given up, because the run was stopped")


def _named(worker: Command, partitions: int) -> Command:
    """Return a worker with its name in the group where the topic is as usual, else without."""
    rest = {key: its for key, its in worker.environment.items() if key != IDENTITY}
    name = {IDENTITY: worker.name} if partitions == PARTITIONS else {}
    return replace(worker, environment={**rest, **name})
