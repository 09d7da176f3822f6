"""Which keys a place of a profile takes, and in which places a key is at home, for suggestions.

Add here: a table whose keys are written by hand. Keep out: sentences (mistakes.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.data_sets import DataSet
from perf_pipeline.config.executors.registry import EXECUTORS
from perf_pipeline.config.executors.stages import Stage
from perf_pipeline.config.frozen import Frozen, keys_of
from perf_pipeline.config.http_steps import Auth, Expect, HttpStep, PythonParameters
from perf_pipeline.config.own_topics import Keys, RegisteredSchema, Sizes
from perf_pipeline.config.parameters import ITERATIONS
from perf_pipeline.config.profile import (
    BaselinePolicyConfig,
    BenchmarkConfig,
    PinnedBaseline,
    Profile,
    Question,
    Seeding,
    ThresholdEntry,
)
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.sql_statements import SqlExpect, SqlStatement
from perf_pipeline.config.target import TargetConfig
from perf_pipeline.config.tiers import TierConfig
from perf_pipeline.config.version_question import VersionQuestion

_PLAN: Final = "plan"
_TOP: Final[Mapping[str, type[Frozen]]] = MappingProxyType(
    {"seeding": Seeding, "baseline": BaselinePolicyConfig, "question": Question}
)
_IN_TARGETS: Final[Mapping[str, type[Frozen]]] = MappingProxyType(
    {"tiers": TierConfig, "version": VersionQuestion}
)
_IN_PARAMETERS: Final[Mapping[str, type[Frozen]]] = MappingProxyType(
    {
        "expect": Expect,
        "data": DataSet,
        "auth": Auth,
        "keys": Keys,
        "size": Sizes,
        "schema": RegisteredSchema,
    }
)
# Benchmarks, their scenarios and metrics, and targets: the author names them as he likes.
_NAMED: Final[Mapping[int | str, frozenset[int]]] = MappingProxyType(
    {"benchmarks": frozenset({1, 3}), "targets": frozenset({1})}
)
Location = Sequence[int | str]


def is_name(location: Location, index: int) -> bool:
    """Say whether a part of a place is a name of the author's, which may be spelt like a key."""
    return index in _NAMED.get(location[0], ())


def keys_at(location: Location) -> tuple[str, ...]:
    """Return the keys of the table in which an unknown key stands.

    Args:
        location: where it stands, as pydantic tells it, with the key itself at the end.
    """
    inside = _inside(location)
    found = dict.fromkeys(chain.from_iterable(map(keys_of, _models_at(location, inside))))
    return (*found, *(_of_scenarios() if _PLAN in inside else ()))


@cache
def homes_of(key: str) -> tuple[str, ...]:
    """Say in which places a key is at home; empty for one that is nowhere."""
    return tuple(place for place, keys in _homes() if key in keys)


def _inside(location: Location) -> list[str]:
    """Return the keys that lead to a place, without indices and names."""
    keys = (part for at, part in enumerate(location[:-1]) if not is_name(location, at))
    return [key for key in keys if isinstance(key, str)]


def _of_scenarios() -> tuple[str, ...]:
    return tuple(key for key in keys_of(Scenario) if key != _PLAN)


def _models_at(location: Location, inside: Sequence[str]) -> Iterator[type[Frozen]]:
    head = location[0]
    if len(location) == 1:
        yield Profile
    elif head == "targets":
        yield next((_IN_TARGETS[part] for part in inside if part in _IN_TARGETS), TargetConfig)
    elif head in _TOP and len(location) == 2:
        yield _TOP[str(head)]
    elif head == "baseline":
        yield PinnedBaseline
    elif _PLAN in inside:
        yield Stage if "stages" in inside else EXECUTORS[next(p for p in inside if p in EXECUTORS)]
    elif "parameters" in inside:
        yield from _models_in_parameters(inside[inside.index("parameters") + 1 :])
    elif ThresholdEntry.__name__ in inside:
        yield ThresholdEntry
    else:
        yield BenchmarkConfig


def _models_in_parameters(inside: Sequence[str]) -> Iterator[type[Frozen]]:
    known = [_IN_PARAMETERS[part] for part in inside if part in _IN_PARAMETERS]
    if inside[:1] == ["statements"]:
        yield SqlExpect if "expect" in inside else SqlStatement
    elif known:
        yield known[0]  # a data set may be named like one of them
    elif "steps" in inside:
        yield HttpStep
    else:
        yield from _parameters()


@cache
def _parameters() -> tuple[type[Frozen], ...]:
    return (*(kind.parameters for kind in ITERATIONS.values()), PythonParameters)


def _homes() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "at the top of the file", keys_of(Profile)
    yield "in [seeding]", keys_of(Seeding)
    yield "in [baseline]", keys_of(BaselinePolicyConfig)
    yield "in [targets.NAME]", keys_of(TargetConfig)
    yield "in a benchmark", keys_of(BenchmarkConfig)
    yield "in a scenario", _of_scenarios()
    for name, executor in EXECUTORS.items():
        yield f"in a scenario with executor {name}", keys_of(executor)
    yield "in the table of a threshold", keys_of(ThresholdEntry)
    yield "in a step of http_steps", keys_of(HttpStep)
    yield "in expect of a step", keys_of(Expect)
    yield "in a data set", keys_of(DataSet)
    yield "in parameters of Python code", keys_of(PythonParameters)
    for name, kind in ITERATIONS.items():
        yield f"in parameters of {name}", keys_of(kind.parameters)
