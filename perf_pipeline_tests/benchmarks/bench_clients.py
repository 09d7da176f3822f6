"""Our clients beside the tools of the field.

Run by hand: `python -m perf_pipeline_tests.benchmarks.bench_clients`.
Database: SELECT by month and day and UPDATE by id against pgbench, with the same statements,
connections and server. Queue: the unpaced ceiling against Kafka's producer and consumer
performance tools, on the same broker. Three interleaved rounds, medians, ratios. Needs the
embedded stack, about four minutes and a quiet machine.
"""

import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.config.parameters import ITERATIONS
from perf_pipeline.engine.job import JSON, LoadJob, ScenarioJob
from perf_pipeline.engine.processes import run_load
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.stack.postgres_pgbench import find_pgbench, pgbench_rate
from perf_pipeline.store.spool_figures import span_figures
from perf_pipeline.workloads.kafka.topics import ensure_topic, fix_position
from perf_pipeline.workloads.people import TIMEZONES
from perf_pipeline.workloads.postgres.seeding import ensure_birthday_index, seed
from perf_pipeline.workloads.postgres.users import select_script
from perf_pipeline_tests.benchmarks.two_sides import in_turns

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
USERS = 100_000
SECONDS = 8
MESSAGES = 600_000
MESSAGE_BYTES = 200
PARTITIONS = 6


def load(
    scenario: ScenarioJob, records: int | None = None, *, dsn: str = "", workers: int = 2
) -> float:
    """Run one scenario on some workers and give records per second over its own span."""
    with tempfile.TemporaryDirectory() as scratch:
        job = LoadJob("bench", "bench", "1", Path(scratch), 1, workers, (scenario,))
        secrets = {"postgres_dsn": dsn}
        run_load(job, secrets=secrets, origin_ns=time.monotonic_ns(), stop=threading.Event())
        (span,) = span_figures(Path(scratch))
    assert (span.failed, span.records) == (0, records or span.records), span
    return span.records_per_s or 0.0


def scenario(name: str, plan: dict[str, Any], parameters: dict[str, JSON]) -> ScenarioJob:
    executor = read_executor(plan)
    workload = f"perf_pipeline.workloads.{ITERATIONS[name].workload}"
    return ScenarioJob(name, executor, workload, {"run": "bench", **parameters})


def shared(iterations: int, vus: int) -> dict[str, Any]:
    return {"executor": "shared-iterations", "iterations": iterations, "vus": vus}


def update_script(low: int, high: int) -> str:
    """Give the update of `UpdateUsers` as a script for pgbench, with ids and zones drawn alike."""
    lines = [f"\\set id random({low}, {high})", f"\\set zone random(1, {len(TIMEZONES)})"]
    for number, zone in enumerate(TIMEZONES, 1):
        lines += [
            f"\\{'el' if number > 1 else ''}if :zone = {number}",
            f"update users set timezone = '{zone}', updated_at = now() where id = :id;",
        ]
    return "\n".join([*lines, "\\endif", ""])


def shuffled_users(dsn: str) -> list[int]:
    """Make users, and give their ids in an order as pgbench draws them."""
    ids = [int(user_id) for user_id in seed(dsn, seed=1, run="bench", count=USERS).ids]
    ensure_birthday_index(dsn)
    random.Random(1).shuffle(ids)
    return ids


def database(stack: Stack, scratch: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Give (ours, pgbench's) rates of each round."""
    dsn = stack.endpoints.postgres_dsn
    assert dsn is not None
    ids = shuffled_users(dsn)
    ids_file = scratch / "ids.txt"
    ids_file.write_text("".join(f"{user_id}\n" for user_id in ids), encoding="utf-8")
    program = find_pgbench()
    assert program is not None
    update = update_script(min(ids), max(ids))

    def ours(name: str, vus: int, parameters: dict[str, JSON], workers: int) -> float:
        # As long as pgbench: a number of iterations would end with one of the workers alone.
        plan = {"executor": "constant-vus", "vus": vus, "duration": f"{SECONDS}s"}
        return load(scenario(name, plan, parameters), dsn=dsn, workers=workers)

    def theirs(script: str, connections: int, threads: int) -> float:
        # A thread for each of our workers: one worker beside two threads would be no comparison.
        return pgbench_rate(
            program, dsn, script, connections=connections, seconds=SECONDS, threads=threads
        )

    by_id: dict[str, JSON] = {"ids_file": str(ids_file)}
    sides: dict[str, tuple[Callable[[], float], Callable[[], float]]] = {
        "select": (
            lambda: ours("select_users", 50, {"limit": 100}, 2),
            lambda: theirs(select_script(100), 50, 2),
        ),
        # Ten connections are a third of what one worker can serve; a second one sleeps and wakes
        # more often, and takes its time from the server's cores.
        "update, 1 worker": (
            lambda: ours("update_users", 10, by_id, 1),
            lambda: theirs(update, 10, 1),
        ),
        "update, 2 workers": (
            lambda: ours("update_users", 10, by_id, 2),
            lambda: theirs(update, 10, 2),
        ),
    }
    return in_turns(sides, ROUNDS)


def kafka_tool(state: Path, brokers: str, tool: str, *words: str) -> str:
    """Run one of Kafka's own performance tools."""
    jars = next((state / "cache").glob("kafka-*"))
    command = ["java", "-Xmx512m", "-cp", f"{jars}/*", f"org.apache.kafka.tools.{tool}", *words]
    # A file, because arguments are seen by everybody; it is the owner's alone.
    with tempfile.NamedTemporaryFile("w", suffix=".properties", encoding="utf-8") as login:
        login.write(login_properties(brokers))
        login.flush()
        command += ["--command-config", login.name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def login_properties(brokers: str) -> str:
    """Write what Kafka's own clients need to prove who they are."""
    settings = kafka_settings(brokers)
    if "sasl.password" not in settings:
        return ""
    login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{settings["sasl.username"]}" password="{settings["sasl.password"]}";'
    )
    return f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config={login}\n"


def produced_by_tool(state: Path, brokers: str, topic: str) -> float:
    text = kafka_tool(
        state,
        brokers,
        "ProducerPerformance",
        *("--topic", topic, "--num-records", str(MESSAGES), "--throughput", "-1"),
        *("--record-size", str(MESSAGE_BYTES)),
        *(
            "--producer-props",
            f"bootstrap.servers={bootstrap_servers(brokers)}",
            "linger.ms=5",
            "acks=all",
        ),
    )
    return float(re.findall(r"([0-9.]+) records/sec", text)[-1])


def consumed_by_tool(state: Path, brokers: str, topic: str) -> float:
    text = kafka_tool(
        state,
        brokers,
        "ConsumerPerformance",
        *(
            "--bootstrap-server",
            bootstrap_servers(brokers),
            "--topic",
            topic,
            "--messages",
            str(MESSAGES),
        ),
        *("--timeout", "20000"),
    )
    columns = [line.split(",") for line in text.splitlines() if line.count(",") > 5]
    names = [name.strip() for name in columns[0]]
    # Without the time that joining the group takes; our span begins with the first message, too.
    return float(columns[-1][names.index("fetch.nMsg.sec")])


def queue(stack: Stack, state: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Give (ours, Kafka's tools') rates of each round; each round has topics of its own."""
    brokers = stack.endpoints.brokers
    assert brokers is not None
    found: dict[str, tuple[list[float], list[float]]] = {"produce": ([], []), "consume": ([], [])}
    for number in range(ROUNDS):
        topics = [f"bench-{side}-{number}" for side in ("ours", "tool")]
        for topic in topics:
            ensure_topic(brokers, topic, PARTITIONS)
        group = f"bench-{number}"
        fix_position(brokers, group, topics[0])
        address: dict[str, JSON] = {"brokers": brokers, "topic": topics[0], "group": group}
        address["partitions"] = PARTITIONS
        batch: dict[str, JSON] = {"batch": 1_000, "message_bytes": MESSAGE_BYTES, "linger_ms": 5}
        ceiling = scenario("produce_ceiling", shared(MESSAGES // 1_000, 8), {**address, **batch})
        found["produce"][0].append(load(ceiling, MESSAGES))
        found["produce"][1].append(produced_by_tool(state, brokers, topics[1]))
        plan = {"executor": "constant-vus", "vus": 1, "duration": "6s", "gracefulStop": "0s"}
        found["consume"][0].append(load(scenario("consume_ceiling", plan, address), MESSAGES))
        found["consume"][1].append(consumed_by_tool(state, brokers, topics[1]))
    return found


def main() -> None:
    """Print the table."""
    state = Path(sys.argv[1] if len(sys.argv) > 1 else ".perf").absolute()
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_stack(state, StackOptions(), say=lambda text: print(text, file=sys.stderr)) as one,
    ):
        rows = {**database(one, Path(scratch)), **queue(one, state)}
    print(f"{'':18}{'ours /s':>12}{'tool /s':>12}{'ratio':>8}   rounds of the ratio")
    for name, (ours, tool) in rows.items():
        ratios = [mine / theirs for mine, theirs in zip(ours, tool, strict=True)]
        print(
            f"{name:18}{statistics.median(ours):12,.0f}{statistics.median(tool):12,.0f}"
            f"{statistics.median(ratios):8.2f}   {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
        )


if __name__ == "__main__":
    main()
