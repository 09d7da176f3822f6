"""Scenarios in Python on real servers: requests are samples, mistakes are told."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import ExitCode, ProfileError, ScenarioError, TargetNotAllowedError
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.workloads.python import scenario as python_scenario
from perf_pipeline.workloads.python.samples import MANY, MOST_OPERATIONS, default_name
from perf_pipeline.workloads.python.scenario import PythonScenario, _VuRunner
from perf_pipeline_tests.support.loads import own_flows
from perf_pipeline_tests.support.loads.http_worker import INTENDED_US, an_iteration, context, run
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.servers.http_target import HttpTarget

FOLDER = Path(own_flows.__file__).parent


def flow(
    base_url: str, name: str, *, environment: Mapping[str, str] | None = None, **more: Any
) -> WorkerContext:
    """Give a worker's context for a scenario of own_flows.py."""
    own = PythonParameters.model_validate(more).model_dump(mode="json", by_alias=True)
    where: dict[str, Any] = {"exec": f"own_flows:{name}", "folder": str(FOLDER), "own": own}
    return context(base_url, secrets=environment, **where)


def state_after(given: WorkerContext) -> dict[str, Any]:
    """Run one iteration and give what its code keeps for the next."""

    async def main() -> dict[str, Any]:
        workload = PythonScenario()
        await workload.open(given)
        await workload.iterate(an_iteration())
        runner = workload._runner
        assert isinstance(runner, _VuRunner)
        ((vu, *_),) = runner._users.values()
        state = dict(vu.state)
        await workload.close()
        return state

    return asyncio.run(main())


def test_every_request_is_a_sample_and_checks_belong_to_the_one_they_are_about(shop: str) -> None:
    workload = PythonScenario()

    login, echo, gone = run(workload, flow(shop, "login"), an_iteration()).samples

    assert [sample.operation for sample in (login, echo, gone)] == [
        "log in",
        "GET /echo/{id}",
        "gone",
    ]
    assert [sample.status for sample in (login, echo, gone)] == [200, 200, 404]
    assert {sample.outcome for sample in (login, echo, gone)} == {Outcome.OK}
    # bit 0 is "is fine", bit 1 "has token"
    assert (login.checks_passed, login.checks_failed) == (0b10, 0b01)
    assert (echo.checks_passed, echo.checks_failed) == (0b01, 0)
    assert (gone.checks_passed, gone.checks_failed) == (0, 0)
    assert workload.checks == dict.fromkeys(
        ("log in", "GET /echo/{id}", "gone"), ("is fine", "has token")
    )
    assert login.intended_us == INTENDED_US
    assert login.ended_us <= echo.intended_us <= echo.started_us
    assert min(echo.waiting_us, echo.bytes_out, echo.bytes_in) > 0


def test_a_class_has_one_instance_per_virtual_user(shop: str) -> None:
    visits = [an_iteration(vu, number) for number in range(3) for vu in (1, 2)]

    samples = run(PythonScenario(), flow(shop, "Visitor"), *visits).samples

    assert [(sample.operation, sample.checks_passed) for sample in samples] == [("visit", 1)] * 6


def test_a_class_may_speak_the_engines_own_protocol(shop: str) -> None:
    workload = PythonScenario()

    (sample,) = run(workload, flow(shop, "Spoken"), an_iteration()).samples

    assert (sample.operation, sample.checks_passed) == ("spoken", 1)
    assert workload.checks == {"spoken": ("said",)}


def test_settings_and_named_secrets_reach_the_code_and_no_other_secret(shop: str) -> None:
    given = flow(
        shop,
        "echo_settings",
        environment={"env:SHOP_KEY": "k", "env:OTHER": "o", "postgres_dsn": "p"},
        settings={"a": [1]},
        secrets=["SHOP_KEY"],
        headers={"X-Mine": "1"},
        auth={"bearerEnv": "OTHER"},
    )

    answer = state_after(given)["said"]

    assert answer["body"] == '{"settings":{"a":[1]},"secrets":{"SHOP_KEY":"k"},"run":"r1"}'
    assert answer["headers"]["x-mine"] == "1"
    assert answer["headers"]["authorization"] == "Bearer o"
    assert answer["headers"]["user-agent"] == "perf-pipeline"


def test_a_profiles_headers_may_have_letters_of_latin_1(shop: str) -> None:
    given = flow(shop, "echo_settings", environment={"env:SHOP_KEY": "k"}, headers={"X-Mine": "é"})

    assert state_after(given)["said"]["headers"]["x-mine"] == "é"


def test_requests_at_the_same_time_get_a_connection_each(shop: str) -> None:
    samples = run(PythonScenario(), flow(shop, "at_once"), an_iteration()).samples

    assert [sample.operation for sample in samples] == ["GET /delay/{id}"] * 3
    assert max(sample.started_us for sample in samples) < min(sample.ended_us for sample in samples)


def test_a_bad_status_that_httpx_raises_ends_the_iteration_and_is_one_failed_request(
    shop: str,
) -> None:
    (sample,) = run(PythonScenario(), flow(shop, "asks_and_trusts"), an_iteration()).samples

    assert (sample.outcome, sample.error, sample.status) == (Outcome.FAILED, "status", 500)


@pytest.mark.parametrize(
    ("path", "error", "outcome", "raised"),
    [
        ("/truncated", "truncated", Outcome.FAILED, "RemoteProtocolError"),
        ("/reset", "reset", Outcome.FAILED, "ReadError"),
        ("/close", "closed", Outcome.FAILED, "RemoteProtocolError"),
        ("/stall", "timeout", Outcome.TIMEOUT, "ReadTimeout"),
        ("/drip", "timeout", Outcome.TIMEOUT, "ReadTimeout"),
        ("/garbage", "protocol", Outcome.FAILED, "RemoteProtocolError"),
    ],
)
def test_a_failure_is_a_sample_with_its_class_and_an_exception_as_httpx_has_it(
    target: HttpTarget, path: str, error: str, outcome: Outcome, raised: str
) -> None:
    given = flow(target.base_url, "goes_on", settings={"path": path})

    assert state_after(given)["error"] == raised
    assert isinstance(given.recorder, MemoryRecorder)
    bad, good = given.recorder.samples
    assert (bad.outcome, bad.error) == (outcome, error)
    assert (good.outcome, good.status) == (Outcome.OK, 200)


def test_another_host_than_the_target_is_refused_and_nothing_is_sent(shop: str) -> None:
    with pytest.raises(TargetNotAllowedError, match="only the target http://127.0.0.1:"):
        run(PythonScenario(), flow(shop, "goes_astray"), an_iteration())


def test_a_check_that_nobody_declared_is_an_error_that_says_how_to(shop: str) -> None:
    given = flow(shop, "undeclared")

    with pytest.raises(ValueError, match=r"'surprise' is not declared; @scenario\(checks=...\)"):
        run(PythonScenario(), given, an_iteration())

    assert isinstance(given.recorder, MemoryRecorder)
    assert [sample.status for sample in given.recorder.samples] == [200]


def test_names_without_end_are_gathered_under_one(target: HttpTarget) -> None:
    given = flow(target.base_url, "names_without_end")

    names = [sample.operation for sample in run(PythonScenario(), given, an_iteration()).samples]

    assert len(names) == 600
    assert names[MOST_OPERATIONS - 1 : MOST_OPERATIONS + 1] == [f"n{MOST_OPERATIONS - 1}", MANY]
    assert len(set(names)) == MOST_OPERATIONS + 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/user/42?x=1", "GET /user/{id}"),
        ("/v1/user/0b6e5c5e-6b7a-4c39-9d0f-4f5d3a3d8a11/mails", "GET /v1/user/{id}/mails"),
        ("/user/deadbeefdeadbeef1", "GET /user/{id}"),
        ("/", "GET /"),
        ("/acceleration-feedback", "GET /acceleration-feedback"),
    ],
)
def test_ids_in_paths_do_not_make_names(path: str, name: str) -> None:
    assert default_name("GET", path.encode()) == name


def test_a_cut_iteration_counts_what_had_ended_and_marks_what_had_not(target: HttpTarget) -> None:
    given = flow(target.base_url, "stalls")
    iteration = an_iteration()

    async def cut() -> None:
        workload = PythonScenario()
        await workload.open(given)
        task = asyncio.create_task(workload.iterate(iteration))
        await asyncio.sleep(0.15)
        iteration.cut_us = given.clock.now_us()  # as the engine does it
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await workload.close()

    asyncio.run(cut())

    assert isinstance(given.recorder, MemoryRecorder)
    seen = {sample.operation: (sample.outcome, sample.phase) for sample in given.recorder.samples}
    assert seen == {
        "GET /ok": (Outcome.OK, Phase.MEASURED),
        "GET /stall": (Outcome.INTERRUPTED, Phase.MEASURED),
    }
    assert {sample.error for sample in given.recorder.samples} == {""}


def test_a_pause_is_waited_for_and_counts_for_nobody(shop: str) -> None:
    first, second = run(PythonScenario(), flow(shop, "thinks"), an_iteration()).samples

    assert second.intended_us - first.ended_us >= 50_000
    assert second.started_us - second.intended_us < 50_000


def test_redirects_are_hops_and_their_limit_gives_the_last_answer(shop: str) -> None:
    def hops(redirects: int, number: int) -> list[int]:
        given = flow(shop, "goes_on", settings={"path": "/loop"}, redirects=redirects)
        iteration: Iteration = an_iteration(number=number)
        return [sample.status for sample in run(PythonScenario(), given, iteration).samples]

    assert hops(3, 0) == [302] * 4 + [404]
    assert hops(0, 1) == [302, 404]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("own_flows:plain", "it is not an async function of a VU; write async def"),
        ("own_flows:repeats", "it declares a check twice, or more than 60"),
        ("own_flows:absent", "can't be imported: AttributeError"),
        ("own_broken:flow", "can't be imported: ZeroDivisionError: division by zero"),
        ("own_nowhere:flow", "can't be imported: ModuleNotFoundError"),
        ("own_flows:Unopenable", "its open() raised LookupError: no such shop"),
        ("own_flows:Unopened", "its open() took longer than 0.1 s"),
    ],
)
def test_code_that_cannot_be_a_scenario_is_refused_before_the_load(
    shop: str, tmp_path: Path, name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_scenario, "_OPEN_LIMIT_S", 0.1)
    (tmp_path / "own_broken.py").write_text("1 / 0", encoding="utf-8")
    folder = tmp_path if "broken" in name else FOLDER
    given = context(shop, exec=name, folder=str(folder), own={})

    with pytest.raises((ProfileError, ScenarioError)) as caught:
        run(PythonScenario(), given, an_iteration())

    assert sentence in str(caught.value)
    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
