"""Find a worker's brokers, with credentials.

Add here: another setting that every Kafka workload needs. Keep out: clients.
"""

from typing import Final

from perf_pipeline.engine.ports import WorkerContext

BROKERS: Final = "brokers"  # a worker's secret that holds the brokers with credentials


def brokers_of(context: WorkerContext) -> str:
    """Return the brokers with credentials, or else the parameter `brokers`."""
    return context.secrets.get(BROKERS) or str(context.parameters["brokers"])
