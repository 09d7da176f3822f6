"""Send the figures of a run elsewhere during the run, if its profile says so.

Add here: something else that sending needs from a run. Keep out: sending (outputs/), and the run.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

from perf_pipeline.config.profile import Profile
from perf_pipeline.loading.session import Session
from perf_pipeline.narration import Narrator
from perf_pipeline.outputs.beside import OutputProbe, Outputs


@contextmanager
def with_outputs(
    profile: Profile,
    narrator: Narrator,
    opened: Callable[[Narrator], AbstractContextManager[Session]],
) -> Iterator[Session]:
    """Open a session, and send its figures to the profile's receivers until it is over.

    Args:
        profile: a checked profile.
        narrator: is told the progress of the run.
        opened: opens the session with a narrator; raises the same errors as `open_session`.
    """
    urls = profile.out.urls
    if not urls:
        with opened(narrator) as session:
            yield session
        return
    with Outputs(urls, narrator) as outputs, opened(outputs) as session:
        labels = {"profile": profile.name, "target": profile.target}
        outputs.begin(session.state.spool, session.folder, labels)
        yield replace(session, probes=(partial(OutputProbe, outputs),))
