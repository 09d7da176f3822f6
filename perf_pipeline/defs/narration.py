"""Write the progress of a run to Dagster's log.

Add here: another way of logging it. Keep out: the messages themselves (loading/).
Dagster concept: logging, https://docs.dagster.io/guides/log-debug/logging
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from perf_pipeline.secrecy.known import KNOWN

PROGRESS_EVERY_S: Final = 10.0


class LogNarrator:
    """Log every sentence, and the progress of a load at most every 10 s.

    Args:
        log: the log that gets the sentences, as info.
        now_s: a clock in s, with any starting point.
    """

    def __init__(self, log: logging.Logger, now_s: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._now_s = now_s
        self._next_s = now_s()

    def say(self, sentence: str) -> None:
        """Log a sentence."""
        self._log.info(KNOWN.mask(sentence))

    def progress(self, line: str, figures: Mapping[str, object]) -> None:  # noqa: ARG002 - a log is for people
        """Log the progress of a load, if it is time for that."""
        if self._now_s() >= self._next_s:
            self._next_s = self._now_s() + PROGRESS_EVERY_S
            self._log.info(KNOWN.mask(line))
