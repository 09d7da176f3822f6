"""Define the section `[duet]` of a profile: the two sides that are compared.

Add here: a key of a comparison. Keep out: what a side is (duet_sides.py).
"""

from typing import Final, Literal

from pydantic import Field, field_validator

from perf_pipeline.config.duet_sides import PORT
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.secrecy.addresses import secrets_in
from perf_pipeline.units import US_PER_S

_LONGEST_US: Final = 3_600 * US_PER_S


class DuetConfig(Frozen):
    """Hold what `perf-pipeline duet` compares unless the command line says otherwise.

    Attributes:
        baseline: the side to compare with: a URL, a DSN, `kafka://HOST:PORT/TOPIC`, or `env:NAME`
            for a variable that holds one of these; a command with `{port}` in it that starts an
            API, or with `{topic}` in it that starts workers; `git:REVISION`; or
            `reference:KEY=VALUE` for a separate reference system.
        candidate: the side that is judged, in the same notation.
        command: the command that starts a git revision on `{port}`, or on `{topic}`; it runs in the
            revision's files.
        prepare: a command that runs in a revision's files first, such as its build.
        within_us: the longest time that may be measured.
        warm_up_us: how long each load runs before anything is counted.
        margin: the difference of the median that does not matter, as a share.
        ready_within_us: how long a side that is started may take until it is healthy.
        on_undecided: the outcome when the time was too short to decide.
    """

    baseline: str = ""
    candidate: str = ""
    command: str = ""
    prepare: str = ""
    within_us: Duration = Field(default=180 * US_PER_S, alias="within", gt=0, le=_LONGEST_US)
    warm_up_us: Duration = Field(default=3 * US_PER_S, alias="warmUp", ge=0, le=_LONGEST_US)
    margin: float = Field(default=0.02, gt=0, le=0.5)
    ready_within_us: Duration = Field(default=60 * US_PER_S, alias="readyWithin", gt=0)
    on_undecided: Literal["fail", "pass"] = "fail"

    @field_validator("baseline", "candidate")
    @classmethod
    def _has_no_password(cls, side: str) -> str:
        """Refuse a password, because profiles are stored with runs and shared."""
        if PORT not in side and secrets_in(side):
            raise ValueError("holds a password; write env:NAME, and the address into that variable")
        return side
