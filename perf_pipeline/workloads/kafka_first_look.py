"""What a worker looks at before it makes a client of Kafka's: where the brokers would send it.

Add here: another thing to know before there is a client. Keep out: clients.
"""

import asyncio

from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError


async def look_first(context: WorkerContext) -> None:
    """Refuse brokers that advertise a host which may not be loaded.

    Args:
        context: its parameters are `brokers`, and `allowed`, the hosts that its target allows;
            secret `brokers` are those with a login.

    Raises:
        TargetNotAllowedError: names the place.
        TargetUnavailableError: no broker answers.
    """
    brokers = str(context.parameters["brokers"])
    allowed = context.parameters.get("allowed", ())
    try:
        await asyncio.to_thread(
            require_listeners, context.secrets.get("brokers") or brokers, allowed
        )
    except TargetUnavailableError as error:
        raise TargetUnavailableError(
            f"asking where they are failed on the brokers {brokers}: {error.sentence}",
            hint=error.hint,
        ) from error
