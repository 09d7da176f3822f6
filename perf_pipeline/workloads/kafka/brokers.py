"""Tell a worker where its brokers are, with their credentials.

Add here: another setting that every Kafka workload needs. Keep out: clients.
"""

from typing import Final

from perf_pipeline.engine.ports import WorkerContext

BROKERS: Final = "brokers"  # among a worker's secrets: the brokers with credentials


def brokers_of(context: WorkerContext) -> str:
    """Return the brokers with credentials where there are some, else parameter `brokers`."""
    return context.secrets.get(BROKERS) or str(context.parameters["brokers"])
