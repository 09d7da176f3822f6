"""Let a broker leave its archive of classes in the cache, before the tests start theirs.

`python -m perf_pipeline_tests.support.broker_classes`, started beside the collecting: on a new
checkout dozens of brokers would load their classes from the jars, and each would write an archive.
It has groups and a transaction before, whose classes others then find in it, too.
Add here: another request that most brokers of tests get. Keep out: what the archive is
(perf_pipeline/stack/class_archive.py).
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.workloads.kafka.topics import ensure_topic
from perf_pipeline_tests.support.places import CACHE, ROOT, new_state
from perf_pipeline_tests.support.silent import hush

# It takes 4 s of a processor behind all other work.
_WRITTEN_S: Final = 120.0
# Later than this, a busy machine or a slow network keeps all tests from beginning.
_AWAITED_S: Final = 60.0
_ANSWERED_S: Final = 20.0
_TOPIC: Final = "classes"
_BESIDE: Final = pytest.StashKey[subprocess.Popen[bytes]]()


def archive_beside(config: pytest.Config) -> None:
    """Start a broker and stop it in a process of its own, where all tests are about to run."""
    is_whole = config.args == config.getini("testpaths") and not config.option.collectonly
    if is_whole and not any(CACHE.glob("kafka-*/broker-*.jsa")):
        command = [sys.executable, "-m", "perf_pipeline_tests.support.broker_classes"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        config.stash[_BESIDE] = process
        config.add_cleanup(lambda: process.communicate() and None)


def await_archive(config: pytest.Config) -> None:
    """Wait for the archive, should it be on its way: the first works of all processes use a broker.

    Each would load its classes from the jars, and write an archive of its own: 8 s of CPU.
    """
    if _BESIDE in config.stash:
        with suppress(subprocess.TimeoutExpired):
            config.stash[_BESIDE].wait(_AWAITED_S)


def main() -> None:
    """Start a broker, use it, and stop it; nothing more where none can be had."""
    with TemporaryDirectory() as name:
        state = new_state(Path(name) / "state")
        try:
            with running_stack(state, StackOptions(parts=frozenset({"kafka"})), say=hush) as stack:
                use(stack.endpoints.brokers or "")
                _end(stack)
        except (PerfPipelineError, KafkaException) as error:
            sys.stderr.write(f"no broker for its classes: {error}\n")


def use(brokers: str) -> None:
    """Have a message in a transaction, and a group of each protocol that takes it."""
    ensure_topic(brokers, _TOPIC, 1)
    producer = Producer({**kafka_settings(brokers), "transactional.id": _TOPIC})
    producer.init_transactions(_ANSWERED_S)
    producer.begin_transaction()
    producer.produce(_TOPIC, b"one", b"key")
    producer.commit_transaction(_ANSWERED_S)
    for protocol in ("classic", "consumer"):
        group = {"group.id": protocol, "group.protocol": protocol, "auto.offset.reset": "earliest"}
        with Consumer({**kafka_settings(brokers), **group}) as consumer:
            consumer.subscribe([_TOPIC])
            consumer.consume(1, _ANSWERED_S)
            consumer.commit(asynchronous=False)


def _end(stack: Stack) -> None:
    """End the broker, and wait for its archive: a stack would kill it on a busy machine."""
    processes = [psutil.Process(pid) for service in stack.services for pid in service.pids]
    for process in processes:
        process.terminate()
    psutil.wait_procs(processes, timeout=_WRITTEN_S)


if __name__ == "__main__":
    main()
