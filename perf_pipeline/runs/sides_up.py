"""The two sides of a comparison, up: found where they run, or started until the block is left.

Add here: what a kind of side needs before it is loaded. Keep out: starting one (stack/), the loads
(duet.py).
"""

import os
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from perf_pipeline.analysis.duet_record import SIDES
from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.duet_loads import DuetLoad
from perf_pipeline.config.duet_sides import TOPIC, CommandSide, GivenSide, ReferenceSide, Side
from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target, resolve_target
from perf_pipeline.errors import ProfileError, RequestError
from perf_pipeline.loading.own_topics import own_topics_of
from perf_pipeline.loading.side_target import (
    SideAim,
    asked_parts,
    await_side,
    checked_side,
    loads_of,
)
from perf_pipeline.narration import Narrator
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.kafka_group import is_taken
from perf_pipeline.stack.reference_sides import started_references
from perf_pipeline.stack.service import Command
from perf_pipeline.stack.sides import SideTopics, StartedSide, started_sides
from perf_pipeline.store.state import State
from perf_pipeline.workloads.kafka.topic_copies import (
    BROKERS_VARIABLE,
    MODULE,
    READY,
    copy_topic,
)

_LONGEST: Final = 200
_DELETING_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class SideUp:
    """Hold a side that can be loaded.

    Attributes:
        place: where it is reached.
        target: the target with its address, checked.
        facts: what is known about its version; empty if somebody else started it.
    """

    place: GivenSide
    target: Target
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SidesWanted:
    """Hold what is needed to bring up two sides.

    Attributes:
        profile: a checked profile.
        sides: the baseline and the candidate, as they were written.
        loads: the loads that both sides get.
        ready_within_s: how long a side that is started may take until it answers.
    """

    profile: Profile
    sides: tuple[Side, Side]
    loads: Sequence[DuetLoad]
    ready_within_s: float

    def given(self) -> dict[str, SideUp]:
        """Return the sides that somebody else started, by name.

        Raises:
            TargetNotAllowedError: one is on a host that may not be loaded; nothing was sent.
        """
        return {
            name: SideUp(side, self._checked(name, side), {})
            for name, side in zip(SIDES, self.sides, strict=True)
            if isinstance(side, GivenSide)
        }

    @contextmanager
    def up(
        self,
        given: Mapping[str, SideUp],
        state: State,
        narrator: Narrator,
        stop: threading.Event,
    ) -> Iterator[tuple[SideUp, SideUp]]:
        """Yield both sides, ready; those that were started end with the block.

        Args:
            given: the sides that somebody else started.
            state: the state of this machine.
            narrator: gets a sentence for each step.
            stop: set it to give up.

        Raises:
            StackError: a side could not be started.
            TargetUnavailableError: a side does not answer.
            StoppedByUserError: `stop` was set.
        """
        named = dict(zip(SIDES, self.sides, strict=True))
        commands = {name: side for name, side in named.items() if isinstance(side, CommandSide)}
        references = {name: side for name, side in named.items() if isinstance(side, ReferenceSide)}
        folder, say, within_s = state.folder, narrator.say, self.ready_within_s
        topics = self._topics(commands)
        with (
            started_sides(
                folder, commands, within_s=within_s, say=say, stop=stop, topics=topics
            ) as ours,
            started_references(folder, references, say=say, stop=stop) as whole,
        ):
            started = {name: self._as_up(name, side) for name, side in {**ours, **whole}.items()}
            both = {**given, **started}
            for name in SIDES:
                # What somebody else started is asked once.
                limit_s = within_s if name in started else 0.0
                side = both[name]
                await_side(loads_of(side.place, self.loads), side.place, side.target, limit_s, stop)
            yield (both[SIDES[0]], both[SIDES[1]])

    def _as_up(self, name: str, started: StartedSide) -> SideUp:
        place = GivenSide(started.url)
        if started.topic:
            place = GivenSide(self._brokers(), Part.BROKERS, started.topic)
        target = self._checked(name, place)
        if started.postgres_dsn is not None:
            KNOWN.add_address(started.postgres_dsn)
            target = replace(target, postgres_dsn=started.postgres_dsn)
        return SideUp(place, target, started.facts)

    def _topics(self, commands: Mapping[str, CommandSide]) -> SideTopics | None:
        """Return the topics of sides that are workers; None where none is."""
        workers = [name for name, side in commands.items() if side.part is Part.BROKERS]
        if not workers:
            return None
        place = GivenSide(self._brokers(), Part.BROKERS)
        target = self._checked(workers[0], place)
        brokers, original = target.brokers or "", self._original(target)
        unique = secrets.token_hex(4)
        names = {name: f"{original[:_LONGEST]}-duet-{unique}-{name}" for name in workers}
        copies = tuple(names.values())

        def make() -> None:
            require_listeners(brokers, target.allowed)
            copy_topic(brokers, original, copies)

        return SideTopics(
            names,
            bootstrap_servers(brokers),
            Command(
                name="topics",
                argv=(sys.executable, "-P", "-m", MODULE, *copies),
                environment={BROKERS_VARIABLE: brokers},
                grace_s=_DELETING_S,
            ),
            READY,
            make,
            lambda topic: is_taken(brokers, topic),
        )

    def _brokers(self) -> str:
        """Return the brokers of the profile's target, which workers are started on.

        Raises:
            RequestError: the target has no brokers.
        """
        profile = self.profile
        written = profile.targets.get(profile.target)
        target = resolve_target(profile.target, written, os.environ, profile.folder)
        if target.brokers is None:
            raise RequestError(
                f"{TOPIC} in a command starts workers, and the target {target.name} has no brokers",
                hint=f"set PERF_KAFKA_BROKERS, or brokers of [targets.{target.name}]",
            )
        return target.brokers

    def _original(self, target: Target) -> str:
        """Return the topic that the workers get copies of.

        Raises:
            ProfileError: the messages go to several, or nobody follows them to their delivery.
        """
        profile = self.profile
        names = list(dict.fromkeys(load.benchmark for load in self.loads))
        found = {
            topic
            for name in names
            for topic in own_topics_of(SideAim(profile, target), profile.benchmarks[name])
        }
        problems = [
            f"benchmarks.{name}: workers are compared by what they deliver, and it does not say "
            f"where deliveries show; write [benchmarks.{name}.deliveries]"
            for name in names
            if profile.benchmarks[name].deliveries is None
        ]
        if len(found) != 1:
            problems.append(
                f"messages go to the topics {', '.join(sorted(found))}, and workers of a duet get "
                "a copy of one; name the benchmarks of one topic with `--only BENCHMARK`"
            )
        if problems:
            raise ProfileError(profile.name, problems)
        return found.pop()

    def _checked(self, name: str, side: GivenSide) -> Target:
        return checked_side(self.profile, name, side, asked_parts(self.loads))
