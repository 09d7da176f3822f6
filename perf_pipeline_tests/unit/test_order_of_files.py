"""Which files of the suite share a process, and which come first.

Add here: another rule of the order. Keep out: turns of tests that are alone.
"""

from pathlib import Path

import pytest

from perf_pipeline_tests.support.shared_work import rank, work_of

_TESTS = "perf_pipeline_tests"
_KAFKA = f"{_TESTS}/integration/workloads/kafka"


def test_files_that_use_the_same_servers_share_a_process() -> None:
    others = ("probes/test_redis", "workloads/postgres/test_users")

    of_messages = {work_of(f"{_KAFKA}/{name}.py") for name in ("test_consume", "test_topics")}
    of_others = {work_of(f"{_TESTS}/integration/{name}.py") for name in others}

    assert len(of_messages) == len(of_others) == 1
    assert of_messages != of_others


def test_files_that_use_a_stack_that_is_up_share_it_within_their_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "test_made_up.py"
    elsewhere.write_text("def test_it(up: Up) -> None: ...\n")

    in_cli, in_runs = (
        work_of(f"{_TESTS}/integration/{name}.py")
        for name in ("cli/test_shared", "runs/test_truth")
    )

    assert in_cli == in_runs == "a stack that is up, for integration"
    assert work_of(str(elsewhere)) not in {in_cli, str(elsewhere)}


def test_a_file_that_uses_no_shared_servers_is_run_for_itself() -> None:
    files = [f"{_TESTS}/integration/store/test_ingest.py", f"{_TESTS}/unit/test_layers.py"]

    assert [work_of(file) for file in files] == files


def test_what_takes_long_comes_before_what_is_quick_and_what_is_alone_last() -> None:
    files = [
        f"{_TESTS}/{name}"
        for name in (
            "integration/cli/test_shared.py",
            "integration/cli/test_whole_run.py",
            "integration/store/test_ingest.py",
            "unit/test_layers.py",
            "integration/runs/test_slow_tiers.py",
        )
    ]

    assert [rank(file) for file in files] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("server", ["up: Up", "configured_target: dict[str, str]", "brokers: str"])
def test_what_is_alone_follows_one_another_whatever_servers_it_uses(
    server: str, tmp_path: Path
) -> None:
    file = tmp_path / "test_made_up.py"
    file.write_text(f"pytestmark = pytest.mark.alone\n\ndef test_it({server}) -> None: ...\n")

    assert work_of(str(file)) == work_of(f"{_TESTS}/integration/runs/test_slow_tiers.py")
