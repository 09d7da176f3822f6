"""Strangers' systems in Dagster, from the pages about them: a database alone, a topic alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.config.kafka_client import bootstrap_servers, client_properties
from perf_pipeline.definitions import build_defs
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.pgbench import run_pgbench
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.loads.workload_bench import scratch_database
from perf_pipeline_tests.support.pages import blocks
from perf_pipeline_tests.support.places import new_state

pytestmark = pytest.mark.timeout(180)


@contextmanager
def executed(path: Path, job: str) -> Iterator[tuple[dg.ExecuteInProcessResult, CommandLine]]:
    """Run the job of a profile, and give its result with a command line for its history."""
    state = str(new_state(path.parent / "state"))
    light = {"workers": "1", "calibration": "false"}
    config = {"profile": str(path), "state": state, "overrides": light}
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs([path])
            .resolve_job_def(job)
            .execute_in_process(
                run_config={"resources": {"perf_run": {"config": config}}},
                instance=instance,
                raise_on_error=False,
            )
        )
        yield result, CommandLine(Path(state))


def test_statements_and_scripts_of_pgbench_are_assets_with_checks(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (profile,), (script,) = blocks("own-database.md", "toml"), blocks("own-database.md", "sql")
    (tmp_path / "bank.toml").write_text(profile, encoding="utf-8")
    (tmp_path / "look.sql").write_text(script, encoding="utf-8")
    with scratch_database(postgres_dsn, "test_bank_in_dagster") as dsn:
        run_pgbench(dsn, "-i", "-q")
        monkeypatch.setenv("BANK_DSN", dsn)
        with executed(tmp_path / "bank.toml", "bank_job") as (result, command):
            assert_judged(result, command, "bank")
            operations = {name for (name,) in command.sql("select distinct operation from samples")}

    assert {"transfer", "transfer::debit", "look", "select-only"} <= operations


def test_a_topic_with_its_own_consumer_is_an_asset_with_checks(
    brokers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (profile,) = blocks("own-topic.md", "toml")
    begin, end = profile.index("[targets.orders.kafka]"), profile.index("[benchmarks.orders.sc")
    login = client_properties(brokers)
    monkeypatch.setenv("KAFKA_PASSWORD", login.get("sasl.password", "none"))
    secret = {"sasl.password": "${env.KAFKA_PASSWORD}"} if login else {}
    lines = [f'"{key}" = "{value}"' for key, value in {**login, **secret}.items()]
    with own_topic(brokers, "orders-in-dagster", 3) as topic:
        text = f"{profile[:begin]}[targets.orders.kafka]\n{chr(10).join(lines)}\n\n{profile[end:]}"
        text = text.replace("127.0.0.1:9093", bootstrap_servers(brokers))
        path = tmp_path / "orders.toml"
        path.write_text(text.replace('topic = "orders"', f'topic = "{topic}"'), encoding="utf-8")
        with executed(path, "orders_job") as (result, command):
            assert_judged(result, command, "orders")
            produced = command.value(
                "select count(*) from samples where operation = 'produce' and phase = 'measured'"
            )

    assert produced > 0


def assert_judged(result: dg.ExecuteInProcessResult, command: CommandLine, benchmark: str) -> None:
    """See that the benchmark ran, and that each threshold is a check with its verdict.

    On a busy machine the figures are what they are; Dagster has to say of them what is stored.
    """
    assert len(result.asset_materializations_for_node(benchmark)) == 1
    checks = [
        check.passed
        for check in result.get_asset_check_evaluations()
        if check.asset_key.to_user_string() == benchmark
    ]
    stored = [
        status in {"PASS", "WARN"} for (status,) in command.sql("select status from verdicts")
    ]
    assert sorted(checks) == sorted(stored)
    assert len(stored) > 0
