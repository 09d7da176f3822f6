"""Turn a file of another tool into a verdict: import, store, judge, publish.

Add here: a step between the spool and the report of an imported run. Keep out: reading files.
"""

from pathlib import Path

from perf_pipeline.importing.door import import_file
from perf_pipeline.importing.spooling import Import
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.narration import Say
from perf_pipeline.report.model import RunReport
from perf_pipeline.store.state import State


def import_and_judge(state: State, path: Path, wanted: Import, *, say: Say) -> RunReport:
    """Import a file, judge and compare it, and return its report; say so if it is stored already.

    Args:
        state: folder of spool and history.
        path: the path of the file.
        wanted: how it is imported.
        say: is told what happened to the file.

    Raises:
        ForeignFileError: the file can't be read; nothing was imported.
        ProfileError: a threshold or a name is not valid; nothing was imported.
        StoreError: the disk refuses the rows.
        StoreBusyError: the history is open elsewhere.
    """
    done = import_file(state, path, wanted)
    if done.is_known:
        say(f"{path} is already in the history, as run {done.run_id}; nothing was imported again")
    else:
        recover_run(state, done.run_id)
        say(f"{path} is now run {done.run_id}")
    return publish(state, done.run_id)
