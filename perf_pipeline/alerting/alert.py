"""Say in whole sentences what happened to a run that did not pass.

Add here: a fact that a receiver needs. Keep out: sending (sending.py).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from string import Template
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.alerts import Outcome, UrlAlert
from perf_pipeline.errors import ExitCode
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.first_screen import verdict_sentence
from perf_pipeline.report.model import UNMEASURED, RunReport
from perf_pipeline.report.revisions import revision_name
from perf_pipeline.report.why import reasons

_MOST_REASONS: Final = 5
_ABSENT: Final = frozenset({*map(str, UNMEASURED), str(Status.NO_DATA)})
_CALLED: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        "failed": "FAIL",
        "regressed": "REGRESSED",
        "invalid": "INVALID",
        "notMeasured": "NOT MEASURED",
    }
)


@dataclass(frozen=True, slots=True)
class Alert:
    """Hold the text of an alert about a run.

    Attributes:
        outcome: why the alert is sent.
        run: its id; empty where it had none yet.
        profile: its name.
        target: what was measured.
        version: the version of the target; empty where it is not known.
        sentence: how the run ended, and why.
        reasons: one sentence each, the gravest first.
        link: where the report opens; a path where nobody serves it, or empty.
    """

    outcome: Outcome
    run: str
    profile: str
    target: str
    version: str
    sentence: str
    reasons: tuple[str, ...] = ()
    link: str = ""

    @property
    def title(self) -> str:
        """Say it in one line."""
        version = f" ({self.version})" if self.version else ""
        return f"{_CALLED[self.outcome]}: {self.profile} against {self.target}{version}"

    @property
    def text(self) -> str:
        """Say all of it."""
        told = [f"- {reason}" for reason in self.reasons[:_MOST_REASONS]]
        if more := len(self.reasons) - len(told):
            told.append(f"- and {more:,} more")
        where = [f"Report: {self.link}"] if self.link else []
        run = [f"Run {self.run}."] if self.run else []
        return "\n".join([self.title, self.sentence, *told, *run, *where])

    def filled(self, url: UrlAlert, *, for_slack: bool = False) -> str:
        """Fill in the template of a receiver; inside JSON every value is escaped.

        Slack takes what stands between `<` and `>` for a link or a call of people, as what stands
        between two bounds of thresholds.
        """
        values = {**asdict(self), "text": self.text, "reasons": "\n".join(self.reasons)}
        values["outcome"] = _CALLED[self.outcome]
        if for_slack:
            values = {name: escape(str(value), quote=False) for name, value in values.items()}
        if "json" in url.content_type:
            values = {name: json.dumps(value)[1:-1] for name, value in values.items()}
        return Template(url.body).substitute(values)


def alert_of(report: RunReport, link: str) -> Alert | None:
    """Return the alert of a run; None for one that passed, or that its user stopped.

    Args:
        report: the report of the run.
        link: where its page opens; without one, the alert gives its path.
    """
    why = tuple(reasons(report))
    outcome = _outcome(report.exit_code, why)
    if outcome is None:
        return None
    return Alert(
        outcome=outcome,
        run=report.run_id,
        profile=report.profile,
        target=report.target.partition(":")[0],
        version=revision_name(report.revision),
        sentence=verdict_sentence(report),
        reasons=why,
        link=link or report.paths.get("html", ""),
    )


def _outcome(exit_code: ExitCode, why: Iterable[str]) -> Outcome | None:
    if exit_code is ExitCode.NOT_MEASURED:
        return unmeasured_outcome(why)
    found: Mapping[ExitCode, Outcome] = {
        ExitCode.THRESHOLD_FAILED: "failed",
        ExitCode.REGRESSED: "regressed",
    }
    return found.get(exit_code)


def unmeasured_outcome(why: Iterable[str]) -> Outcome:
    """Return the outcome of a run that could not measure; invalid if only the generator spoilt it.

    Args:
        why: the reasons, each of which begins with its status.
    """
    kinds = {reason.partition(" ")[0] for reason in why}
    return "invalid" if "INVALID" in kinds and not kinds & _ABSENT else "notMeasured"
