"""Let others follow a run by also writing its narrator's messages to its live stream.

Add here: another fact that followers of a run need. Keep out: the file (store/live_stream.py).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.narration import Narrator
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.live_stream import LiveStream
from perf_pipeline.store.state import State

if TYPE_CHECKING:
    from perf_pipeline.loading.session import Session


class StreamNarrator:
    """Tell a narrator, and write the same messages to a stream.

    Args:
        narrator: the narrator of the driver that started the run.
        stream: the stream of the run.
    """

    def __init__(self, narrator: Narrator, stream: LiveStream) -> None:
        self._narrator = narrator
        self._stream = stream

    def say(self, sentence: str) -> None:
        """Tell a sentence that stays on the screen."""
        self._narrator.say(sentence)
        self._stream.write("sentence", {"text": KNOWN.mask(sentence)})

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        """Tell the progress of a load."""
        self._narrator.progress(line, figures)
        self._stream.write_progress(figures)

    def begin_run(self, session: "Session") -> None:
        """Name the run once its run.json is written."""
        self._stream.write("run", {"run_id": session.run_id})


@contextmanager
def streamed(state: State, narrator: Narrator) -> Iterator[StreamNarrator]:
    """Yield a narrator whose messages others can follow until the block ends, and why it ended.

    Call it with the lock of the state folder, which has only one stream.
    """
    stream = LiveStream(state.live, time.monotonic)
    problem = ""
    try:
        yield StreamNarrator(narrator, stream)
    except PerfPipelineError as error:
        problem = error.sentence
        raise
    except Exception as error:
        problem = f"it was ended by an unexpected {type(error).__name__}"
        raise
    except BaseException:  # a second Ctrl-C, or Dagster's own interruption
        problem = "it was stopped at once"
        raise
    finally:
        stream.write("closed", {"problem": KNOWN.mask(problem)})
        stream.close()
