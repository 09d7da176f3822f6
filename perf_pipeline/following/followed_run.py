"""Read the newest run of a state folder from its files, while it goes on and after its end.

Add here: another fact about the run. Keep out: how it is shown (messages.py).
"""

import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.following.readings_tail import ReadingsTail
from perf_pipeline.following.standing import Standings
from perf_pipeline.following.take import Take
from perf_pipeline.judging.stored_profile import stored_profile
from perf_pipeline.stack.process_register import start_mark
from perf_pipeline.store.live_stream import StreamReader, is_asked_to_stop, place
from perf_pipeline.store.records import RunKey, RunRecord
from perf_pipeline.store.spool_records import read_run
from perf_pipeline.store.state import State

_MOST_SENTENCES: Final = 200


class RunStage(StrEnum):
    """Say how far a run is."""

    NONE = "none"
    RUNNING = "running"
    STOPPING = "stopping"
    JUDGING = "judging"
    REPORTED = "reported"
    UNREPORTED = "unreported"
    KILLED = "killed"


class FollowedRun:
    """Follow the newest run of a state folder.

    Attributes:
        number: how many runs were followed before.
        run_id: the id of the run; empty before it has one.
        record: the facts that it wrote when it began; None before it has written them.
        sentences: s since it began, with its messages; the newest ones.
        takes: its benchmarks in the order in which they ran, a re-run for itself.
        standings: where the thresholds of each stand, in the same order.
        closed: why it ended, empty where it just ended; None while it goes on.
        report: what its summary.json says; None before it has one.

    Args:
        state: folder that runs write to.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._reader = StreamReader(state.live)
        self.number = 0
        self._forget()

    def _forget(self) -> None:
        self._begun: Mapping[str, Any] = {}
        self.run_id = ""
        self.record: RunRecord | None = None
        self.sentences: deque[tuple[float, str]] = deque(maxlen=_MOST_SENTENCES)
        self.takes: list[Take] = []
        self.standings: list[Standings] = []
        self._tails: list[ReadingsTail] = []
        self._settled = 0
        self._profiles: dict[str, Profile | None] = {}
        self._is_written = False
        self.closed: str | None = None
        self.report: Mapping[str, Any] | None = None

    def close(self) -> None:
        """Close the file that is followed."""
        self._reader.close()

    def look(self, now_s: float) -> None:
        """Take in what is new in the files of the run."""
        # Read before the events: whatever is written in between is seen at the next look.
        is_written = self._reader.is_written
        for event in self._reader.new_events():
            self._take_in(event)
        self._is_written = self._reader.is_written and (is_written or bool(self._begun))
        if self.record is None and self.run_id:
            with suppress(PerfPipelineError):
                self.record = read_run(self._state.spool / self.run_id)
        for place_of_take in range(self._settled, len(self.takes)):
            self.takes[place_of_take].add_readings(self._tails[place_of_take].new_rows())
            self.standings[place_of_take].look(now_s)
        self._settled = max(0, len(self.takes) - 1)
        if self.closed is not None and self.report is None:
            self.report = self._read_report()

    @property
    def pid(self) -> int | None:
        """Return the process that runs it; None where it cannot be seen from here."""
        pid = self._begun.get("pid")
        is_here = self._begun.get("place") == place()
        return pid if is_here and isinstance(pid, int) and pid > 1 else None

    @property
    def stage(self) -> RunStage:
        """Say how far it is."""
        if not self._begun:
            return RunStage.NONE
        if self.report is not None:
            return RunStage.REPORTED
        if self.closed is None:
            if not self._is_written:
                return RunStage.KILLED
            return RunStage.STOPPING if self.is_asked_to_stop else RunStage.RUNNING
        return RunStage.JUDGING if self._may_be_judged else RunStage.UNREPORTED

    @property
    def is_asked_to_stop(self) -> bool:
        """Say whether somebody stopped it from a page."""
        return is_asked_to_stop(self._state.live)

    @property
    def _may_be_judged(self) -> bool:
        return self.run_id != "" and self.pid is not None and start_mark(self.pid) is not None

    def _take_in(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "begin":
                self._forget()
                self.number += 1
                self._begun = event
            case "run":
                self.run_id = str(event["run_id"])
            case "sentence":
                self.sentences.append((float(event["at_s"]), str(event["text"])))
            case "progress":
                self._take_of(event).add_progress(event)
            case "closed":
                self.closed = str(event["problem"])

    def _take_of(self, event: Mapping[str, Any]) -> Take:
        key = RunKey(str(event["run_id"]), str(event["benchmark"]))
        if not self.takes or self.takes[-1].key != key:
            folder = self._state.spool / key.run_id / key.benchmark
            profile = self._profile_of(key.run_id)
            config = None if profile is None else profile.benchmarks.get(key.benchmark)
            thresholds = [] if config is None else config.parsed_thresholds()
            again = sum(take.key.benchmark == key.benchmark for take in self.takes)
            run_id, _, window = key.run_id.rpartition("-")
            self.takes.append(Take(key, again, window if run_id == self.run_id else ""))
            self._tails.append(ReadingsTail(folder))
            self.standings.append(Standings(folder, key, thresholds))
        return self.takes[-1]

    def _profile_of(self, run_id: str) -> Profile | None:
        if run_id not in self._profiles:
            self._profiles[run_id] = None
            with suppress(PerfPipelineError):
                record = read_run(self._state.spool / run_id)
                self._profiles[run_id] = stored_profile(record.profile_json, run_id)
        return self._profiles[run_id]

    def _read_report(self) -> Mapping[str, Any] | None:
        """Return what summary.json says of the run, once its page is there as well."""
        folder = self._state.reports(self.run_id)
        if not self.run_id or not (folder / "report.html").is_file():
            return None
        with suppress(OSError, ValueError, KeyError):
            text = (folder / "summary.json").read_text(encoding="utf-8")
            found: Mapping[str, Any] = json.loads(text)["perf_pipeline"]
            return found
        return None
