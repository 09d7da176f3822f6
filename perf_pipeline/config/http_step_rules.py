"""Rules of HTTP scenarios that span several keys or steps: variables, JSON paths, names, checks.

They read the raw table, so that they find all mistakes even if a single key is wrong. Add here: a
rule about steps. Keep out: what a single key may hold (http_steps.py), and files (own_files.py).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from perf_pipeline.config.http_steps import HEADER_PREFIX, operation_of
from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.step_paths import link_mistakes
from perf_pipeline.config.variable_rules import (
    Known,
    saved_name_mistake,
    table_of,
    tables_of,
    text_mistakes,
)

MOST_CHECKS: Final = 60  # checks of one operation: a sample stores them as a signed 64-bit mask
_PLACES: Final = ("path", "query", "headers", "json", "form", "body")


def step_mistakes(parameters: Mapping[str, Any], env: Collection[str] = ()) -> Iterator[str]:
    """Find the mistakes in raw parameters of `http_steps`, each as `path: sentence`.

    Args:
        parameters: the raw parameters of the scenario.
        env: names of the scenario's own values, which are not secret and may be used anywhere.
    """
    tables = tables_of(parameters.get("steps"))
    known = Known.of(parameters.get("data"), env, tables)
    yield from text_mistakes("headers", parameters.get("headers"), known)
    for number, step in enumerate(tables):
        for path, sentence in _one_step(step, known):
            yield f"steps[{number}].{path}: {sentence}"


def _one_step(step: Mapping[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    expect = table_of(step.get("expect"))
    for place in _PLACES:
        yield from _pairs(text_mistakes(place, step.get(place), known))
    yield from link_mistakes(step)
    values = table_of(expect.get("json"))
    yield from _pairs(text_mistakes("expect.json", values, known))
    for path in values:
        yield from _path_mistake(f"expect.json.{path}", path)
    save = table_of(step.get("save"))
    for name, where in save.items():
        yield from _save_mistakes(name, where)
    known.saved.update(save)
    yield from _pairs(text_mistakes("message", step.get("message"), known))
    yield from _name_mistakes(step, known)
    count = len(values) + len(save) + 2
    if count > MOST_CHECKS:
        yield (
            "expect",
            (f"has {count} checks, those of save included; a step can have at most {MOST_CHECKS}"),
        )


def _pairs(found: Iterator[str]) -> Iterator[tuple[str, str]]:
    for mistake in found:
        path, _, sentence = mistake.partition(": ")
        yield path, sentence


def _name_mistakes(step: Mapping[str, Any], known: Known) -> Iterator[tuple[str, str]]:
    name, group = step.get("name"), step.get("group")
    if not isinstance(name, str):
        return
    operation = operation_of(name, group if isinstance(group, str) else None)
    if operation in known.operations:
        sentence = f"{operation!r} is already the name of an earlier step; choose another name"
        yield "name", sentence
    known.operations.add(operation)


def _save_mistakes(name: str, where: object) -> Iterator[tuple[str, str]]:
    path = f"save.{name}"
    if mistake := saved_name_mistake(name):
        yield path, mistake
    if not isinstance(where, str) or where.startswith(HEADER_PREFIX):
        return
    yield from _path_mistake(path, where)


def _path_mistake(path: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        parse_json_path(text)
    except ValueError as error:
        yield path, str(error)
