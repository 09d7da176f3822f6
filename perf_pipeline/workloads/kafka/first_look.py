"""What a worker looks at before it makes a client of Kafka's: where the brokers would send it.

Add here: another thing to know before there is a client. Keep out: clients.
"""

import asyncio

from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.brokers import brokers_of


async def look_first(context: WorkerContext) -> None:
    """Refuse brokers that advertise a host which may not be loaded.

    Args:
        context: of the worker: its brokers, and parameter `allowed`, the hosts that its target
            allows.

    Raises:
        TargetNotAllowedError: names the place.
        TargetUnavailableError: no broker answers.
    """
    brokers = brokers_of(context)
    try:
        await asyncio.to_thread(require_listeners, brokers, context.parameters.get("allowed", ()))
    except TargetUnavailableError as error:
        shown = bootstrap_servers(brokers)
        raise TargetUnavailableError(
            f"asking where they are failed on the brokers {shown}: {error.sentence}",
            hint=error.hint,
        ) from error
