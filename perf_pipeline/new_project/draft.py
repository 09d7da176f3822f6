"""Hold what is known of a system before files are written: its requests, loads, secrets and gaps.

Every source gives a `Draft`; what writes files reads nothing else.
Add here: something that a profile can say and a source can find. Keep out: reading a source, and
the text of files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BodyKind = str
"""`json`, `form` or `body`, as a step of a profile has them."""


@dataclass(frozen=True, slots=True)
class DraftStep:
    """Hold one request; its texts are templates already, so that a literal `${` is `$${`.

    Attributes:
        name: the name of the operation, unique in its scenario.
        method: the method of the request.
        path: below the base URL, without a query.
        query: its parameters.
        headers: beside those of the client.
        body: under `json`, `form` or `body`; empty for none.
        expect: as in a profile.
        save: variable -> JSON path, or `header:NAME`.
        think_time: the pause after it, as in a profile; empty for none.
        remarks: what a reader of the step has to know, one sentence each.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[BodyKind, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    save: Mapping[str, str] = field(default_factory=dict)
    think_time: str = ""
    remarks: Sequence[str] = ()

    @property
    def table(self) -> dict[str, Any]:
        """Return the step as a profile has it."""
        parts: dict[str, Any] = {
            "query": dict(self.query),
            "headers": dict(self.headers),
            "expect": dict(self.expect),
            "save": dict(self.save),
            "thinkTime": self.think_time,
        }
        filled = {key: value for key, value in parts.items() if value}
        begin = {"name": self.name, "method": self.method, "path": self.path}
        return {**begin, **self.body, **filled}


@dataclass(frozen=True, slots=True)
class DraftStatement:
    """Hold one statement of SQL, with variables where its values are bound."""

    name: str
    sql: str

    @property
    def table(self) -> dict[str, Any]:
        """Give the statement as a profile has it."""
        return {"name": self.name, "sql": self.sql}


@dataclass(frozen=True, slots=True)
class DraftBenchmark:
    """Hold one benchmark with its one scenario.

    Attributes:
        name: the name of the benchmark.
        scenario: the name of the scenario.
        exec: what an iteration does.
        load: the executor with its keys.
        parameters: the parameters of the scenario, without steps.
        steps: the steps of `http_steps`.
        statements: the statements of `sql`.
        thresholds: by metric.
        description: what it does, one sentence.
        enabled: False leaves it to the reader to switch it on.
        remarks: what a reader has to know, one sentence each.
    """

    name: str
    scenario: str
    exec: str
    load: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[DraftStep] = ()
    statements: Sequence[DraftStatement] = ()
    thresholds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    description: str = ""
    enabled: bool = True
    remarks: Sequence[str] = ()

    @property
    def table(self) -> dict[str, Any]:
        """Return the benchmark as a profile has it."""
        parameters = dict(self.parameters)
        if self.steps:
            parameters["steps"] = [step.table for step in self.steps]
        if self.statements:
            parameters["statements"] = [statement.table for statement in self.statements]
        scenario = {"exec": self.exec, **self.load}
        if parameters:
            scenario["parameters"] = parameters
        about: dict[str, Any] = {} if self.enabled else {"enabled": False}
        if self.description:
            about["description"] = self.description
        thresholds = {key: list(texts) for key, texts in self.thresholds.items()}
        bounds = {"thresholds": thresholds} if thresholds else {}
        return {**about, "scenarios": {self.scenario: scenario}, **bounds}


@dataclass(frozen=True, slots=True)
class SecretVariable:
    """Name an environment variable that a run needs, and what belongs into it."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold all that a new project is written from.

    Attributes:
        name: the name of profile and target.
        origin: where it comes from, for a sentence: `the description at http://…`.
        question: what its runs are to answer.
        target: the keys of the target.
        benchmarks: in order; at least one is enabled.
        secrets: environment variables that a run needs.
        left_out: what could not be taken over, one sentence each.
    """

    name: str
    origin: str
    question: str
    target: Mapping[str, Any]
    benchmarks: Sequence[DraftBenchmark]
    secrets: Sequence[SecretVariable] = ()
    left_out: Sequence[str] = ()

    @property
    def table(self) -> dict[str, Any]:
        """Return the profile as a table."""
        return {
            "name": self.name,
            "description": f"Made by perf-pipeline init from {self.origin}.",
            "target": self.name,
            "question": {"text": self.question},
            "targets": {self.name: dict(self.target)},
            "benchmarks": {benchmark.name: benchmark.table for benchmark in self.benchmarks},
        }
