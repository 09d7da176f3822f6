"""What a worker looks at before it makes a client of Kafka's: where the brokers would send it.

Add here: another thing to know before there is a client. Keep out: clients.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.errors import TargetUnavailableError


async def look_first(parameters: Mapping[str, Any]) -> None:
    """Refuse brokers that advertise a host which may not be loaded.

    Args:
        parameters: of the scenario: `brokers`, and `allowed`, the hosts that its target allows.

    Raises:
        TargetNotAllowedError: names the place.
        TargetUnavailableError: no broker answers.
    """
    brokers = str(parameters["brokers"])
    try:
        await asyncio.to_thread(require_listeners, brokers, parameters.get("allowed", ()))
    except TargetUnavailableError as error:
        raise TargetUnavailableError(
            f"asking where they are failed on the brokers {brokers}: {error.sentence}",
            hint=error.hint,
        ) from error
