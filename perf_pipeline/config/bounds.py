"""The largest numbers that a profile may hold, so that whatever is accepted can be run and stored.

Add here: a bound that several keys share. Keep out: the bounds of a single key, which belong next
to that key.
"""

from typing import Final

from perf_pipeline.units import SECONDS_PER_DAY, US_PER_S

LARGEST_STORED: Final = 2**63 - 1  # the history's BIGINT
LONGEST_US: Final = 20 * 365 * SECONDS_PER_DAY * US_PER_S  # longer than any load
LONGEST_DELIVERY_US: Final = SECONDS_PER_DAY * US_PER_S  # librdkafka takes 2**31 - 1 ms, 24 days
MOST_VUS: Final = 100_000_000  # k6: maxConcurrentVUs of lib/executor/ramping_vus.go
MOST_ITERATIONS: Final = 10_000_000_000
MOST_RATE: Final = 1_000_000_000  # starts per timeUnit
# Of one benchmark. Each VU is a task of some kilobytes; each start is a row of the spool.
MOST_VUS_AT_ONCE: Final = 1_000_000
MOST_STARTS: Final = 10_000_000_000
MOST_BYTES_AT_ONCE: Final = 1 << 30
MOST_WORKERS: Final = 64  # processes that load at once, on one machine
MOST_GENERATORS: Final = 256  # the same on all hosts of a fleet; 200 were tried (docs/fleet.md)
