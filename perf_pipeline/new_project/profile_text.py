"""The profile of a new project as TOML, with what a reader has to know beside each key.

Add here: a comment that every profile needs. Keep out: what is in it (draft.py).
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import tomlkit
from tomlkit.items import Item

from perf_pipeline.new_project.draft import Draft, DraftBenchmark, DraftStep
from perf_pipeline.quoting import on_one_line

_WIDTH: Final = 98
_WHAT_MUST_HOLD: Final = (
    "What must hold. Begin with these, and put in what your users expect; a filter such as "
    "{operation:NAME} is for one step."
)
_ABOUT: Final = ("enabled", "description")
_LONGEST_REMARK: Final = 1_000


def profile_text(draft: Draft) -> str:
    """Return the profile as TOML; its tables are `draft.table`."""
    table = draft.table
    lines = [
        *_comment(
            f"Made by `perf-pipeline init` from {draft.origin}. Look at what it sends with "
            f"`perf-pipeline check {draft.name}.toml`, which sends nothing itself."
        ),
        *_pairs({key: table[key] for key in ("name", "description", "target")}),
        "",
        *_comment("What every report answers first; all thresholds below answer it."),
        *_section(("question",), table["question"]),
        "",
        *_section(("targets", draft.name), table["targets"][draft.name]),
    ]
    for number, benchmark in enumerate(draft.benchmarks):
        lines += ["", *_benchmark(benchmark, is_first=number == 0)]
    if draft.left_out:
        lines += ["", *_comment("What could not be taken over:"), *_list(draft.left_out)]
    return "\n".join(lines) + "\n"


def _benchmark(benchmark: DraftBenchmark, *, is_first: bool) -> Iterator[str]:
    table = benchmark.table
    scenario = table["scenarios"][benchmark.scenario]
    parameters = dict(scenario.pop("parameters", {}))
    steps, statements = parameters.pop("steps", []), parameters.pop("statements", [])
    path = ("benchmarks", benchmark.name)
    yield from _remarks(benchmark.remarks)
    about: dict[str, Any] = {key: value for key, value in table.items() if key in _ABOUT}
    if about:
        yield from _section(path, about)
        yield ""
    within = (*path, "scenarios", benchmark.scenario)
    yield from _section(within, scenario)
    if parameters:
        yield ""
        yield from _section((*within, "parameters"), parameters)
    for step, written in zip(benchmark.steps, steps, strict=True):
        yield ""
        yield from _step(step, written, (*within, "parameters", "steps"))
    for statement in statements:
        yield ""
        yield f"[[{_dotted((*within, 'parameters', 'statements'))}]]"
        yield from _pairs(statement)
    if "thresholds" in table:
        yield ""
        if is_first:
            yield from _comment(_WHAT_MUST_HOLD)
        yield from _section((*path, "thresholds"), table["thresholds"])


def _step(step: DraftStep, table: Mapping[str, Any], path: Sequence[str]) -> Iterator[str]:
    yield from _remarks(step.remarks)
    yield f"[[{_dotted(path)}]]"
    yield from _pairs(table)


def _section(path: Sequence[str], table: Mapping[str, Any]) -> Iterator[str]:
    yield f"[{_dotted(path)}]"
    yield from _pairs(table)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{_dotted([key])} = {_item(value).as_string()}"


def _dotted(path: Sequence[str]) -> str:
    return ".".join(tomlkit.key(part).as_string() for part in path)


def _item(value: Any) -> Item:
    """Return a value on one line; tables are inline tables."""
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, inner in value.items():
            table.append(tomlkit.key(str(key)), _item(inner))
        return table
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        for inner in value:
            array.append(_item(inner))
        return array
    item: Item = tomlkit.item(value)
    return item


def _remarks(remarks: Iterable[str]) -> Iterator[str]:
    for remark in remarks:
        yield from _comment(remark)


def _list(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        first, *others = _wrapped(sentence, _WIDTH - 4)
        yield f"# - {first}"
        yield from (f"#   {line}" for line in others)


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in _wrapped(text, _WIDTH - 2))


def _wrapped(text: str, width: int) -> list[str]:
    """Break a sentence into lines; nothing of it can end a comment, because it has no line ends."""
    plain = on_one_line(text, _LONGEST_REMARK)
    return textwrap.wrap(plain, width, break_long_words=False, break_on_hyphens=False) or [""]
