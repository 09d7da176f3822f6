"""HTTP steps on real servers: what goes out, and where its values come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.http_worker import an_iteration, run
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.own_steps import Table, echo, own
from perf_pipeline_tests.support.servers.http_target import HttpTarget


def test_variables_are_written_into_path_query_headers_and_json(target: HttpTarget) -> None:
    target.requests.clear()
    step = echo(
        path="/echo/${vu}/${random.choice(a b/ü)}?x=${iteration}",
        query={"q": "1&${vu}", "n": 2},
        headers={"X-Who": "${scenario}/${run}"},
        json={
            "vu": "${vu}",
            "text": "${vu|text}",
            "both": 'n"${iteration}"',
            "list": [1.5, True, None, "$${vu}"],
        },
    )

    run(HttpSteps(), own(target.base_url, step), an_iteration(3, 4, "visitors"))

    (request,) = target.requests
    # RFC 3986: a blank, a slash and ü (C3 BC in UTF-8) inside one segment
    assert request.path == "/echo/3/a%20b%2F%C3%BC?x=4&q=1%263&n=2"
    assert request.headers["x-who"] == "visitors/r1"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "vu": 3,
        "text": "3",
        "both": 'n"4"',
        "list": [1.5, True, None, "${vu}"],
    }


def test_a_form_is_encoded_as_browsers_do(shop: str) -> None:
    step = echo(
        form={"name": "Ada & ${vu}", "ü": "1+1"},
        expect={
            "json": {
                "$.body": "name=Ada+%26+1&%C3%BC=1%2B1",
                "$.headers['content-type']": "application/x-www-form-urlencoded",
            }
        },
    )

    (sample,) = run(HttpSteps(), own(shop, step), an_iteration()).samples

    assert (sample.checks_passed, sample.checks_failed) == (0b11, 0)


# JSON as the second step writes it: numbers, booleans and tables stay what they were.
EXPECTED = '{"id":7,"user":{"id": 7, "tags": ["a", "b"]},"mark":true,"in":"id 7, true"}'


def test_values_of_a_response_go_into_later_requests_with_their_type(shop: str) -> None:
    steps = (
        {
            "name": "login",
            "group": "session",
            "method": "POST",
            "path": "/login",
            "save": {"token": "$.token", "user": "$.user", "id": "$.user.id", "mark": "$.ok"},
        },
        echo(
            path="/echo/${id}",
            headers={"Authorization": "Bearer ${token}"},
            json={"id": "${id}", "user": "${user}", "mark": "${mark}", "in": "id ${id}, ${mark}"},
            expect={"json": {"$.headers.authorization": "Bearer ${token}", "$.path": "/echo/7"}},
            save={"body": "$.body", "echoed": "header:x-echo"},
        ),
        echo(
            name="last",
            json="${body}",
            expect={"json": {"$.body": json.dumps(EXPECTED), "$.headers.x": "1"}},
            headers={"X": "${echoed}"},
        ),
    )

    samples = run(HttpSteps(), own(shop, *steps), an_iteration()).samples

    assert [sample.operation for sample in samples] == ["session::login", "echo", "last"]
    assert [sample.checks_failed for sample in samples] == [0, 0, 0]


CSV = "email,age\na@example.org,30\nb@example.org,31\nc@example.org,32\n"


def rows_seen(recorder: MemoryRecorder, target: HttpTarget) -> list[Table]:
    seen = [json.loads(request.body) for request in target.requests]
    assert len(recorder.samples) == len(seen)
    target.requests.clear()
    return seen


def test_rows_of_a_csv_are_drawn_as_the_profile_says(target: HttpTarget, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text(CSV, encoding="utf-8")
    target.requests.clear()
    body = {"email": "${data.users.email}", "age": "${data.users.age|number}"}
    step = echo(json=body)

    def drawn(pick: str, *iterations: tuple[int, int], **more: Any) -> list[int]:
        data = {"users": {"csv": "users.csv", "pick": pick}}
        given = own(target.base_url, step, data=data, folder=tmp_path, **more)
        recorder = run(HttpSteps(), given, *(an_iteration(vu, n) for vu, n in iterations))
        rows = rows_seen(recorder, target)
        # email and age are of the same row: a is 30, b is 31, c is 32
        assert all("abc".index(row["email"][0]) == row["age"] - 30 for row in rows)
        return [row["age"] for row in rows]

    several = [(1, 0), (2, 0), (1, 1), (2, 1)]
    assert drawn("sequential", *several) == [30, 31, 32, 30]
    assert drawn("sequential", *several, worker=1, workers=2) == [31, 31, 31, 31]
    assert drawn("unique per vu", *several) == [30, 31, 30, 31]
    assert drawn("random", *several) == drawn("random", *several)
    assert set(drawn("random", *((vu, 0) for vu in range(1, 30)))) == {30, 31, 32}


def test_seeded_ids_are_dealt_out_and_too_few_are_told(target: HttpTarget, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("11\n12\n13\n", encoding="utf-8")
    target.requests.clear()
    step = {"name": "read", "path": "/echo/${data.known.id}"}
    data = {"known": {"seeded": "reads", "pick": "sequential"}}
    ids_files = {"reads": str(tmp_path / "ids.txt")}

    def given(workers: int) -> WorkerContext:
        return own(target.base_url, step, data=data, ids_files=ids_files, workers=workers)

    run(HttpSteps(), given(2), an_iteration(), an_iteration(number=1))

    assert [request.path for request in target.requests] == ["/echo/11", "/echo/13"]
    with pytest.raises(TargetUnavailableError, match="ids.txt has 3 ids, too few: 4 are needed"):
        run(HttpSteps(), given(4))


@pytest.mark.parametrize(("worker", "vus"), [(0, 2), (1, 1)])
def test_as_many_ids_as_vus_are_enough_for_one_each(
    target: HttpTarget, tmp_path: Path, worker: int, vus: int
) -> None:
    # Of 3 VUs in 2 workers, the first worker has VUs 1 and 3, and the second one VU 2.
    (tmp_path / "ids.txt").write_text("11\n12\n13\n", encoding="utf-8")
    step = {"name": "read", "path": "/echo/${data.known.id}"}
    data = {"known": {"seeded": "reads", "pick": "unique per vu"}}
    ids_files = {"reads": str(tmp_path / "ids.txt")}

    recorder = run(
        HttpSteps(),
        own(
            target.base_url,
            step,
            data=data,
            ids_files=ids_files,
            worker=worker,
            workers=2,
            vus=vus,
        ),
        an_iteration(worker + 1),
    )

    assert len(recorder.samples) == 1


def test_secrets_come_from_the_environment_and_are_sent(target: HttpTarget) -> None:
    target.requests.clear()
    secrets = {"env:TOKEN": "t-0${x", "env:BASIC": "me:päss", "postgres_dsn": "other"}
    step = echo(json={"password": "${env.TOKEN}"})

    run(
        HttpSteps(),
        own(target.base_url, step, secrets=secrets, auth={"bearerEnv": "TOKEN"}),
        an_iteration(),
    )
    run(
        HttpSteps(),
        own(target.base_url, step, secrets=secrets, auth={"basicEnv": "BASIC"}),
        an_iteration(),
    )

    bearer, basic = target.requests
    assert bearer.headers["authorization"] == "Bearer t-0${x"
    # printf 'me:päss' | base64
    assert basic.headers["authorization"] == "Basic bWU6cMOkc3M="
    assert json.loads(basic.body) == {"password": "t-0${x"}


def test_a_uuid_is_a_new_one_each_time_and_in_each_run(target: HttpTarget) -> None:
    target.requests.clear()
    step = echo(json={"a": "${uuid}", "b": "${uuid}"})

    for _ in range(2):
        run(HttpSteps(), own(target.base_url, step), an_iteration())

    uuids = [value for request in target.requests for value in json.loads(request.body).values()]
    assert len(set(uuids)) == 4
    assert all(len(uuid) == 36 and uuid[14] == "4" and uuid[19] in "89ab" for uuid in uuids)
