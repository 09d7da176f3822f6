"""What there is to know of an executor stands in its one file; every list of executors follows."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, Literal, get_args

import pytest

from perf_pipeline.config import executors
from perf_pipeline.config.executors.kinds import ArrivalRate, Executor
from perf_pipeline.config.executors.registry import EXECUTORS
from perf_pipeline.config.frozen import keys_of
from perf_pipeline.config.keys import known_keys
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.config.shortcuts import expand_shortcuts

KINDS = get_args(Executor)
CONSTANT = {"executor": "constant-vus", "vus": 3, "duration": "5s"}


def written() -> Iterator[tuple[str, type[Executor]]]:
    """Give the executors that are written in the package, each with the name of its module."""
    for module in pkgutil.iter_modules(executors.__path__):
        inside = vars(importlib.import_module(f"{executors.__name__}.{module.name}"))
        for found in inside.values():
            is_here = inspect.isclass(found) and found.__module__.endswith(f".{module.name}")
            if is_here and issubclass(found, KINDS) and found not in KINDS:
                yield module.name, found


def test_the_registry_has_every_executor_that_is_written() -> None:
    names = {module.replace("_", "-"): executor for module, executor in written()}

    assert names == dict(EXECUTORS)
    assert len(list(written())) == len(EXECUTORS)


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
def test_an_executor_is_of_one_kind_and_says_all_that_its_kind_asks_for(
    executor: type[Executor],
) -> None:
    assert [kind for kind in KINDS if issubclass(executor, kind)] == [executor.__mro__[1]]
    assert not inspect.isabstract(executor)


def test_an_executor_that_does_not_say_its_plan_is_refused() -> None:
    class Planless(ArrivalRate):
        executor: Literal["planless"]

    with pytest.raises(TypeError, match="abstract"):
        Planless.model_validate({"executor": "planless", "preAllocatedVUs": 1})


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
def test_a_key_of_an_executor_is_no_key_of_its_scenario(executor: type[Executor]) -> None:
    assert not set(keys_of(executor)) & set(keys_of(Scenario))
    assert set(keys_of(executor)) <= set(known_keys())


def test_a_new_key_of_a_scenario_is_told_from_those_of_its_executor() -> None:
    class Noted(Scenario):
        note: str

    read = Noted.model_validate({**CONSTANT, "exec": "update_users", "note": "of the night"})

    assert read.note == "of the night"
    assert read.plan.description == "3 VUs for 5s"


def test_every_key_of_a_scenario_that_has_a_meaning_there_may_stand_beside_a_shortcut() -> None:
    given: dict[str, Any] = {
        "exec": "update_users",
        "env": {"name": "text"},
        "tags": {"kind": "x"},
        "parameters": {},
        "warmUp": "1s",
    }
    raw = {"benchmarks": {"own": {"vus": 3, "duration": "5s", **given}}}

    expanded, mistakes = expand_shortcuts(raw)

    assert not mistakes
    assert expanded["benchmarks"]["own"]["scenarios"]["default"] == CONSTANT | given
    # Where there is one scenario only, there is no step beside another one.
    assert given.keys() == set(keys_of(Scenario)) - {"plan", "step", "ceiling"}
