"""Defaults of iterations that both profiles and load workers read.

Add here: the default of a parameter that a workload needs as well. Keep out: bounds and keys
(parameters.py), because load workers don't import pydantic.
"""

from typing import Final

from perf_pipeline.units import US_PER_MS, US_PER_S

REQUEST_TIMEOUT_US: Final = 10 * US_PER_S
INSERTED_ROWS: Final = 1_000
SELECTED_ROWS: Final = 100
MESSAGE_BYTES: Final = 200
LINGER_MS: Final = 5
DELIVERY_TIMEOUT_US: Final = 6 * US_PER_S
MESSAGES_PER_TRANSACTION: Final = 10
MESSAGES_PER_BATCH: Final = 1_000
WORK_US: Final = (0, 10 * US_PER_MS)
COMMIT_INTERVAL_US: Final = 500 * US_PER_MS
