"""Make a draft of an OpenAPI description: what only reads is loaded, what changes data is prepared.

An id that a path needs comes from the description's own examples, or from the answer of an earlier
step of the same scenario. So what is changed or deleted is only what the scenario has created.
Add here: a rule on which operation becomes a step. Keep out: reading the file
(openapi_document.py).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

from jsonref import JsonRefError

from perf_pipeline.config.http_keys import BODILESS
from perf_pipeline.new_project.answer_places import place_in_answer
from perf_pipeline.new_project.draft import DraftBenchmark, DraftStep
from perf_pipeline.new_project.json_samples import (
    MadeUpValues,
    plain,
    written_example,
)
from perf_pipeline.new_project.loads import FirstLoad, thresholds_of
from perf_pipeline.new_project.made_up_numbers import NoSampleError
from perf_pipeline.new_project.names import operation_name, saved_name
from perf_pipeline.new_project.openapi_document import Description, Operation, Parameter
from perf_pipeline.new_project.secret_names import (
    BASIC,
    BEARER,
    SecretVariables,
    is_secret_name,
    looks_secret,
)
from perf_pipeline.new_project.seen_request import SAFE_METHODS
from perf_pipeline.new_project.taking_over import NotTakenOverError, TakingOver, literal

_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_MOST_STEPS: Final = 40
_ORDER: Final = ("POST", "PUT", "PATCH", "GET", "HEAD", "OPTIONS", "DELETE")
_IGNORED_HEADERS: Final = frozenset({"accept", "content-type", "authorization"})  # as OpenAPI says
_CHANGES_DATA: Final = (
    "These requests change data, so they are switched off: set enabled = true where the system may "
    "be changed. Its values are made up from the description; look at them first."
)


@dataclass(slots=True)
class Composer:
    """Make the benchmarks of a description.

    Attributes:
        description: the description of the API.
        secrets: the variables that replace secrets.
        load: how hard the first load is.
        left_out: what could not be taken over, one sentence each.
    """

    description: Description
    secrets: SecretVariables
    load: FirstLoad
    left_out: list[str] = field(default_factory=list)

    def benchmarks(self) -> list[DraftBenchmark]:
        """Return the benchmarks; the one that changes data is switched off."""
        operations = list(self._usable())
        reading = [usable for usable in operations if usable.method in SAFE_METHODS]
        changing = [usable for usable in operations if usable.method not in SAFE_METHODS]
        reading.sort(key=lambda usable: usable.path.count("{"))
        changing.sort(key=lambda usable: (_ORDER.index(usable.method), usable.path.count("{")))
        made = []
        if reading:
            reads = self._benchmark("reads", "readers", reading)
            made.append(replace(reads, description="Ask what the description offers to read."))
        if changing:
            changes = self._benchmark("changes", "writers", changing)
            made.append(replace(changes, enabled=False, remarks=(_CHANGES_DATA,)))
        return made

    def _usable(self) -> Iterator[Operation]:
        for operation in self.description.operations():
            if isinstance(operation, str):
                self.left_out.append(operation)
            elif operation.is_deprecated:
                self.left_out.append(f"{operation.method} {operation.path}: it is deprecated")
            else:
                yield operation

    def _benchmark(
        self, name: str, scenario: str, operations: Sequence[Operation]
    ) -> DraftBenchmark:
        steps = _DescribedSteps(self.description, self.secrets)
        for number, operation in enumerate(operations):
            if len(steps.made) == _MOST_STEPS:
                others = len(operations) - number
                self.left_out.append(
                    f"{others} more operations of {name}, because {_MOST_STEPS} are enough"
                )
                break
            try:
                steps.add(operation)
            except (NotTakenOverError, NoSampleError) as error:
                self.left_out.append(f"{operation.method} {operation.path}: {error}")
            except JsonRefError as error:
                self.left_out.append(f"{operation.method} {operation.path}: {error.message}")
        return DraftBenchmark(
            name=name,
            scenario=scenario,
            exec="http_steps",
            load=self.load.executor(steps.made),
            parameters=steps.parameters,
            steps=tuple(steps.made),
            thresholds=thresholds_of(steps.made),
        )


@dataclass(slots=True)
class _DescribedSteps:
    """Collect the steps of one scenario, and what they save for one another."""

    description: Description
    secrets: SecretVariables
    made: list[DraftStep] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    auth: dict[str, str] = field(default_factory=dict)
    _taking: TakingOver = field(init=False)
    _answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    _saved: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._taking = TakingOver(self.secrets)

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what all requests of the scenario have in common."""
        return {
            **({"auth": self.auth} if self.auth else {}),
            **({"headers": self.headers} if self.headers else {}),
        }

    def add(self, operation: Operation) -> None:
        """Make a step of an operation.

        Raises:
            NotTakenOverError: it needs what nobody can know.
            NoSampleError: no value fits its schema.
        """
        path, saves = self._path(operation)
        asked = map(self._query_pairs, _required(operation, "query"))
        query = {name: text for pairs in asked for name, text in pairs}
        body, types = self._body(operation)
        headers = {
            parameter.name: self._header(parameter) for parameter in _required(operation, "header")
        }
        self._prove(operation)
        self._save(saves)
        self.made.append(
            DraftStep(
                name=operation_name(operation.title, [step.name for step in self.made]),
                method=operation.method,
                path=path,
                query=query,
                headers={**headers, **types},
                body=body,
                expect={"status": _one_or_list(operation.statuses)} if operation.statuses else {},
            )
        )
        if operation.answer is not None:
            self._answers.setdefault(path.rstrip("/"), (len(self.made) - 1, operation.answer))

    def _path(self, operation: Operation) -> tuple[str, dict[str, tuple[int, str]]]:
        """Return the path with a value for each parameter, and what earlier steps save for it."""
        saves: dict[str, tuple[int, str]] = {}
        path, at = "", 0
        for found in _PARAMETER.finditer(operation.path):
            path += literal(operation.path[at : found.start()])
            at = found.end()
            path += self._path_value(operation, found[1], path, saves)
        return path + literal(operation.path[at:]), saves

    def _path_value(
        self, operation: Operation, name: str, before: str, saves: dict[str, tuple[int, str]]
    ) -> str:
        schema = next(
            (
                parameter.schema
                for parameter in operation.parameters
                if (parameter.place, parameter.name) == ("path", name)
            ),
            {},
        )
        giver = self._answers.get(before.rstrip("/"))
        place = giver and place_in_answer(giver[1], name)
        if giver and place:
            known = next(
                (var for var, source in self._saved.items() if source == (giver[0], place)), None
            )
            of = before.rstrip("/").rpartition("/")[2]
            variable = known or saved_name(name, of, [*self._saved, *saves])
            saves[variable] = (giver[0], place)
            return f"${{{variable}}}"
        example = written_example(schema)
        if example is None or operation.method == "DELETE":
            raise NotTakenOverError(
                f"no step answers with a value for {name!r}, and the description has no example"
                if example is None
                else "it would delete what the scenario has not created"
            )
        if is_secret_name(name) or looks_secret(str(example)):
            raise NotTakenOverError("its path holds a secret")
        return literal(quote(str(example), safe=""))

    def _save(self, saves: Mapping[str, tuple[int, str]]) -> None:
        for variable, (number, place) in saves.items():
            step = self.made[number]
            self.made[number] = replace(step, save={**step.save, variable: place})
            self._saved[variable] = (number, place)

    def _query_pairs(self, parameter: Parameter) -> Iterator[tuple[str, str]]:
        """Return a parameter as it is sent; an object as its members (style form, exploded)."""
        if is_secret_name(parameter.name):
            raise NotTakenOverError(
                f"its query parameter {parameter.name!r} is a secret, which an address can't carry"
            )
        value = MadeUpValues(self._taking).sample(parameter.schema, parameter.name)
        pairs = value.items() if isinstance(value, dict) else [(parameter.name, value)]
        for name, inner in pairs:
            listed = inner if isinstance(inner, list) else [inner]
            is_odd = any(isinstance(part, dict | list) for part in listed) or is_secret_name(name)
            if parameter.is_nested or is_odd:
                raise NotTakenOverError(f"its query parameter {parameter.name!r} is an object")
            yield name, ",".join(map(_query_text, listed))

    def _header(self, parameter: Parameter) -> str:
        if is_secret_name(parameter.name):
            return self.secrets.in_header(parameter.name)
        return str(MadeUpValues(self._taking).sample(parameter.schema, parameter.name))

    def _body(self, operation: Operation) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        body = operation.body
        if body is None or operation.method in BODILESS:
            return {}, {}
        given = body.example
        if given is None and body.media_type.startswith(("text/", "application/xml")):
            raise NotTakenOverError(f"its body is {body.media_type} without an example")
        taken = (
            MadeUpValues(self._taking).sample(body.schema)
            if given is None
            else self._taking.within(plain(given), "")
        )
        return self._taking.written(taken, body.media_type)

    def _prove(self, operation: Operation) -> None:
        """Add what proves who is asking, for all requests of the scenario."""
        for name in operation.security:
            scheme = self.description.schemes.get(name)
            if isinstance(scheme, Mapping):
                self._prove_by(scheme)

    def _prove_by(self, scheme: Mapping[str, Any]) -> None:
        kind, of = str(scheme.get("type")), str(scheme.get("scheme", "")).lower()
        if kind == "apiKey" and scheme.get("in") == "header":
            name = str(scheme.get("name"))
            self.headers.setdefault(name, self.secrets.in_header(name))
        elif kind == "apiKey":
            raise NotTakenOverError(
                f"it wants {scheme.get('name')!r} in the {scheme.get('in')}, where no secret may be"
            )
        elif kind == "basic" or of == "basic":
            self._prove_with("basicEnv", BASIC)
        elif kind == "mutualTLS" or (kind == "http" and of not in {"", "bearer"}):
            raise NotTakenOverError(f"it wants a proof ({of or kind}) that steps can't give")
        else:
            self._prove_with("bearerEnv", BEARER)

    def _prove_with(self, key: str, variable: tuple[str, str]) -> None:
        if self.auth and key not in self.auth:
            wants = "user and password" if key == "basicEnv" else "a token"
            raise NotTakenOverError(
                f"it wants {wants}, unlike the steps before it, and a scenario has one `auth`"
            )
        self.auth = self.auth or {key: self.secrets.named(*variable)}


def _required(operation: Operation, place: str) -> Iterator[Parameter]:
    for parameter in operation.parameters:
        is_ours = parameter.place == place and parameter.is_required
        if is_ours and not (place == "header" and parameter.name.lower() in _IGNORED_HEADERS):
            yield parameter


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_or_list(statuses: tuple[int, ...]) -> int | list[int]:
    return statuses[0] if len(statuses) == 1 else list(statuses)
