"""Every error that this package raises on purpose, with its sentence, hint and exit code.

PerfPipelineError
├── ProfileError              104  the profile has mistakes; no load was sent
│   └── AddressError         104  an address of the target cannot be read; no load was sent
├── ScenarioError             104  a scenario's own code could not begin; no iteration was started
├── RequestError              104  there is no such run, release or series, or no such query
├── TargetNotAllowedError     104  the target is neither loopback nor allowed; no load was sent
├── TargetUnavailableError     97  the target (or a part of the stack) does not answer
├── GeneratorLimitError        97  the load generator was the limit, not the target
├── StoreError                 97  the history cannot be read or written
│   └── SpoolDamagedError      97  files of the spool cannot be stored; the others are
├── StoreBusyError             97  the history is open elsewhere; samples are safe in the spool
├── StackError                 97  a part of the embedded stack could not be had or started
└── StoppedByUserError        105  Ctrl-C or SIGTERM; what was measured is kept and marked

Add here: an error with a remedy that a user can follow. Keep out: anything that a caller
would catch and ignore.
"""

from enum import IntEnum
from typing import ClassVar, Final

from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.known import KNOWN

MOST_TOLD: Final = 50  # mistakes of one profile
_LONGEST_LINE: Final = 2_000


class ExitCode(IntEnum):
    """Say how the command line ended; k6's codes where k6 has one (docs/exit-codes.md)."""

    OK = 0
    UNEXPECTED = 1
    NOT_MEASURED = 97
    REGRESSED = 98
    THRESHOLD_FAILED = 99
    INVALID_CONFIGURATION = 104
    STOPPED = 105


class PerfPipelineError(Exception):
    """Carry one sentence on what happened and one on what to do about it, without secrets.

    Args:
        sentence: what happened, with the offending value and where.
        hint: the remedy; empty where the sentence already holds it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        self.sentence = _for_people(KNOWN.mask(sentence))
        self.hint = _for_people(KNOWN.mask(hint))
        super().__init__(self.sentence)

    def __str__(self) -> str:
        return f"{self.sentence}\n  {self.hint}" if self.hint else self.sentence


def _for_people(text: str) -> str:
    """Escape what is not printable, and cut long lines: names in them are other people's."""
    return "\n".join(on_one_line(line, _LONGEST_LINE) for line in text.split("\n"))


class ProfileError(PerfPipelineError):
    """List every mistake of a profile at once.

    Args:
        source: the file or name that was read.
        problems: one sentence each: path, value, what would be right.
    """

    exit_code = ExitCode.INVALID_CONFIGURATION

    def __init__(self, source: str, problems: list[str], *, hint: str = "") -> None:
        said = [on_one_line(KNOWN.mask(problem)) for problem in problems[:MOST_TOLD]]
        if more := len(problems) - len(said):
            said.append(f"and {more:,} more")
        lines = "\n".join(f"  - {problem}" for problem in said)
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        shown = on_one_line(KNOWN.mask(source), 200) or "''"
        super().__init__(f"profile {shown} has {count}; nothing was sent:\n{lines}", hint=hint)
        self.source = source
        self.problems = said


class AddressError(ProfileError):
    """Say why an address of the target is invalid, and which variable or key holds it.

    Args:
        key: PERF_BASE_URL, `baseUrl of [targets.staging]`.
        mistake: goes on after the key ("names no host; ...").
    """

    def __init__(self, key: str, mistake: str) -> None:
        PerfPipelineError.__init__(self, f"{key} {mistake}; nothing was sent")
        self.source = key
        self.problems = [mistake]


class ScenarioError(PerfPipelineError):
    """Say how a scenario's own code failed at its import, or in its `open`."""

    exit_code = ExitCode.INVALID_CONFIGURATION


class RequestError(PerfPipelineError):
    """Name what was asked for and is not there (a run, a release, a series), and what is."""

    exit_code = ExitCode.INVALID_CONFIGURATION


class TargetNotAllowedError(PerfPipelineError):
    """Refuse a host that is neither loopback nor named in the target's `allowed`."""

    exit_code = ExitCode.INVALID_CONFIGURATION


class TargetUnavailableError(PerfPipelineError):
    """Name the address that did not answer and what was tried."""

    exit_code = ExitCode.NOT_MEASURED


class GeneratorLimitError(PerfPipelineError):
    """Say which limit of the load generator was reached, and by how much."""

    exit_code = ExitCode.NOT_MEASURED


class StoreError(PerfPipelineError):
    """Say why the history cannot be read or written, and what is safe."""

    exit_code = ExitCode.NOT_MEASURED


class SpoolDamagedError(StoreError):
    """Say which files of the spool cannot be stored, and why; the history stays as it is."""


class StoreBusyError(PerfPipelineError):
    """Name the process that holds the history, and where the samples wait."""

    exit_code = ExitCode.NOT_MEASURED


class StackError(PerfPipelineError):
    """Say which part of the embedded stack could not be had or started, and the alternatives."""

    exit_code = ExitCode.NOT_MEASURED


class StoppedByUserError(PerfPipelineError):
    """Say that the run was stopped on request and what of it is kept."""

    exit_code = ExitCode.STOPPED


def is_thread_refused(error: BaseException) -> bool:
    """Say whether the system refused another thread: a limit of processes, or of memory.

    Python raises a RuntimeError then, which has no number and no class of its own.
    """
    return type(error) is RuntimeError and str(error) == "can't start new thread"
