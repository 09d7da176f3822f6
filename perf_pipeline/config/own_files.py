"""Finds what own scenarios need from outside the profile: files, modules, environment variables.

This is checked when a profile is loaded for a run. A profile from the history is not checked,
because its files may be gone by then. Add here: another need from outside. Keep out: the keys
(http_steps.py).
"""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.data_sets import DataSet, Rows, read_csv
from perf_pipeline.config.http_steps import (
    HttpStepsParameters,
    OwnHttpParameters,
    PythonParameters,
    is_header_text,
)
from perf_pipeline.config.own_modules import module_mistakes
from perf_pipeline.config.own_scenarios import scenarios_in
from perf_pipeline.config.parameters import is_python
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.templates import Source, Variable, parse_template, variables_of
from perf_pipeline.quoting import is_utf8
from perf_pipeline.secrecy.known import KNOWN

_NO_HEADER: Final = "holds {}, which a header can't carry (its value is not shown)"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)


def outside_mistakes(raw: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """Find what own scenarios of a raw profile name and what is missing, each as `path: sentence`.

    A scenario with other mistakes is skipped, because it is unclear what it names.
    """
    folder = Path(str(raw.get("folder", ".")))
    for benchmark, name, table in scenarios_in(raw):
        try:
            scenario = Scenario.model_validate(table, by_alias=True, by_name=False)
            for below, sentence in _scenario_mistakes(scenario, folder, environment):
                yield f"benchmarks.{benchmark}.scenarios.{name}.{below}: {sentence}"
        except ValueError:  # pydantic or the template reports this mistake where it belongs
            continue


def rows_of(name: str, data: DataSet, columns: tuple[str, ...], folder: Path) -> Rows:
    """Give the rows of a data set that is not seeded.

    Raises:
        ValueError: its file can't be read, or lacks a column; the sentence names it.
    """
    if data.csv is not None:
        return read_csv(folder / data.csv, columns)
    if data.values is None:
        raise ValueError(f"data.{name} is made by the run itself")
    return tuple((value,) for value in data.values)


def columns_used(parameters: HttpStepsParameters, name: str) -> tuple[str, ...]:
    """Give the columns of a data set that the steps use, in a steady order."""
    used = {
        variable.arguments[1]
        for variable in variables_in(parameters)
        if variable.source is Source.DATA and variable.arguments[0] == name
    }
    return tuple(sorted(used))


def variables_in(parameters: HttpStepsParameters) -> Iterator[Variable]:
    """Give every variable that the steps use."""
    yield from variables_of_texts(parameters.headers)
    for step in parameters.steps:
        yield from variables_of_texts(step.model_dump(exclude={"name", "group", "save"}))


def variables_in_headers(parameters: HttpStepsParameters) -> Iterator[Variable]:
    """Give every variable that goes into a header."""
    for headers in (parameters.headers, *(step.headers for step in parameters.steps)):
        yield from variables_of_texts(headers)


def environment_names(scenario: Scenario) -> frozenset[str]:
    """Give the environment variables of the machine that a scenario reads and its `env` lacks."""
    parameters = scenario.parameters
    if not isinstance(parameters, OwnHttpParameters):
        return frozenset()
    names = set(parameters.secret_names)
    if isinstance(parameters, HttpStepsParameters):
        names |= {
            variable.arguments[0]
            for variable in variables_in(parameters)
            if variable.source is Source.ENV
        }
    return frozenset(names - scenario.env.keys())


def variables_of_texts(value: object) -> Iterator[Variable]:
    """Give the variables in a text, or in all texts inside tables and lists."""
    if isinstance(value, str):
        yield from variables_of(parse_template(value))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from variables_of_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from variables_of_texts(inner)


_Found = Iterator[tuple[str, str]]


def _scenario_mistakes(scenario: Scenario, folder: Path, environment: Mapping[str, str]) -> _Found:
    parameters = scenario.parameters
    if not isinstance(parameters, OwnHttpParameters):
        return
    for variable in sorted(environment_names(scenario)):
        # First of all, so that no sentence, log or report can show the value.
        value = environment.get(variable, "")
        KNOWN.add_all([value])
        if mistake := _value_mistake(variable, value, parameters):
            yield "parameters", f"the environment variable {variable} {mistake}"
    if parameters.ca_file and (mistake := _ca_mistake(parameters.ca_file, folder)):
        yield "parameters.caFile", mistake
    if isinstance(parameters, HttpStepsParameters):
        yield from _env_mistakes(parameters, scenario.env)
        yield from _data_mistakes(parameters, scenario.plan.most_vus, folder)
    if isinstance(parameters, PythonParameters) and is_python(scenario.exec):
        for mistake in module_mistakes(scenario.exec, folder / parameters.path):
            yield "exec", mistake


def _ca_mistake(name: str, folder: Path) -> str | None:
    file = folder / name
    if not file.is_file():
        return f"there is no file {name!r} beside the profile"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        return (
            f"{name!r} holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----; "
            "`openssl x509 -inform der` makes it of one in DER"
        )
    except OSError as error:
        return f"{name!r} can't be read: {error.strerror}"
    return None


def _value_mistake(variable: str, value: str, parameters: OwnHttpParameters) -> str | None:
    """Say why a variable's value can't be sent where the scenario sends it, without the value."""
    auth = parameters.auth
    if not value:
        return "is not set; export it first"
    if not is_utf8(value):
        return "holds bytes that are not UTF-8; its value is not shown"
    if auth is not None and variable == auth.basic_env and _CONTROL.search(value):
        return f"{_NO_HEADER.format('a control character')}, and auth uses it"
    by_auth = auth is not None and variable == auth.bearer_env
    if (by_auth or _is_in_header(variable, parameters)) and not is_header_text(value):
        user = "auth" if by_auth else "a header"
        return f"{_NO_HEADER.format(_unfit(value))}, and {user} uses it"
    return None


def _is_in_header(variable: str, parameters: OwnHttpParameters) -> bool:
    return isinstance(parameters, HttpStepsParameters) and any(
        used.source is Source.ENV and used.arguments == (variable,)
        for used in variables_in_headers(parameters)
    )


def _unfit(text: str) -> str:
    """Name the kind of the first character that a header can't carry."""
    if "\n" in text or "\r" in text:
        return "a line end"
    if text != text.strip():
        return "a blank at its end"
    return "a control character" if _CONTROL.search(text) else "a letter outside latin-1"


def _env_mistakes(parameters: HttpStepsParameters, env: Mapping[str, str]) -> _Found:
    used = {
        variable.arguments
        for variable in variables_in_headers(parameters)
        if variable.source is Source.ENV
    }
    for name, text in env.items():
        if (name,) in used and not is_header_text(text):
            yield f"env.{name}", "has a character that a header can't carry, and a header uses it"


def _data_mistakes(parameters: HttpStepsParameters, most_vus: int, folder: Path) -> _Found:
    for name, data in parameters.data.items():
        path = f"parameters.data.{name}"
        if data.seeded is not None:
            continue
        columns = columns_used(parameters, name)
        try:
            rows = rows_of(name, data, columns, folder)
        except ValueError as error:
            yield path, str(error)
            continue
        if data.pick == "unique per vu" and len(rows) < most_vus:
            yield path, f"has {len(rows)} rows, too few for {most_vus} VUs to have one each"
        yield from ((path, text) for text in _cell_mistakes(parameters, name, columns, rows))


def _is_of(variable: Variable, data: str) -> bool:
    return variable.source is Source.DATA and variable.arguments[0] == data


def _cell_mistakes(
    parameters: HttpStepsParameters, name: str, columns: tuple[str, ...], rows: Rows
) -> Iterator[str]:
    """Find, in each column, the first cell that can't be sent where it is used."""
    number = {
        variable.arguments[1]
        for variable in variables_in(parameters)
        if _is_of(variable, name) and variable.cast == "number"
    }
    header = {
        variable.arguments[1]
        for variable in variables_in_headers(parameters)
        if _is_of(variable, name)
    }
    rules: tuple[tuple[set[str], Callable[[str], bool], str], ...] = (
        (number, is_json_number, "is not a number, which |number needs"),
        (header, is_header_text, "has a character that a header can't carry"),
    )
    for wanted, fits, sentence in rules:
        for place, column in enumerate(columns):
            bad = [row[place] for row in rows if column in wanted and not fits(row[place])]
            if bad:
                yield f"column {column!r}: {bad[0]!r} {sentence}"


def is_json_number(text: str) -> bool:
    """Say whether a text is a number in JSON's spelling."""
    return _NUMBER.fullmatch(text) is not None
