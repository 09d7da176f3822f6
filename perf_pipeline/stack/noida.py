"""The Kafka emulator of the wheel noida-db: the announced last resort where Kafka cannot be had.

Add here: nothing but what its newer versions need. Keep out: any figure taken for Kafka's own.
"""

import importlib.metadata
import importlib.util
import signal
from pathlib import Path

from perf_pipeline.errors import StackError
from perf_pipeline.narration import Say
from perf_pipeline.stack.kafka import answers
from perf_pipeline.stack.parts import Launched, ServiceInfo
from perf_pipeline.stack.service import (
    BEHIND_THE_LOAD,
    LOOPBACK,
    Command,
    Service,
    free_port,
    is_listening,
    spawn,
)

KIND = "noida-db (emulator)"
READY_S = 20.0


def find_noida() -> Path | None:
    """Return the wheel's own binary (its Python wrapper passes no signal on); None without one."""
    spec = importlib.util.find_spec("noida_db")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "noida-db"
    return program if program.exists() else None


def launch_noida(folder: Path, why: str, *, say: Say) -> Launched:
    """Start the emulator because Apache Kafka cannot be had, and say so loudly.

    Raises:
        StackError: it is not installed either; says why Kafka is not to be had.
    """
    program = find_noida()
    if program is None:
        raise StackError(
            f"no broker can be started here: {why}",
            hint="or `pip install noida-db` (a Kafka emulator), or set PERF_KAFKA_BROKERS",
        )
    notice = (
        f"BROKER IS AN EMULATOR ({KIND}), because Apache Kafka is not available: {why}. Queue "
        "figures say nothing about Kafka, and the emulator asks for no password."
    )
    say(notice)
    program.chmod(0o755)  # the wheel's file is not executable until its wrapper ran once
    port = free_port()
    argv = (
        str(program),
        "start",
        "--only",
        "kafka",
        "--kafka-port",
        str(port),
        "--data-dir",
        str(folder / "noida"),
    )
    service = spawn(
        folder, Command(name="broker", argv=argv, stop_signal=signal.SIGINT, nice=BEHIND_THE_LOAD)
    )
    return Launched(f"{LOOPBACK}:{port}", lambda: _describe(service, port), (notice,))


def _describe(service: Service, port: int) -> ServiceInfo:
    address = f"{LOOPBACK}:{port}"
    service.await_ready(lambda: is_listening(port) and answers(address), READY_S)
    version = importlib.metadata.version("noida-db")
    return ServiceInfo("broker", KIND, version, address, (), {}, service.log)
