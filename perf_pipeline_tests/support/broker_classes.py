"""Let a broker leave its archive of classes in the cache, before the tests start theirs.

`python -m perf_pipeline_tests.support.broker_classes`, started beside the collecting: on a new
checkout dozens of brokers would load their classes from the jars, and each would write an archive.
Add here: nothing. Keep out: what the archive is (perf_pipeline/stack/class_archive.py).
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline_tests.support.places import CACHE, ROOT, new_state
from perf_pipeline_tests.support.silent import hush


def archive_beside(config: pytest.Config) -> None:
    """Start a broker and stop it in a process of its own, where all tests are about to run."""
    is_whole = config.args == config.getini("testpaths") and not config.option.collectonly
    if is_whole and not any(CACHE.glob("kafka-*/broker-*.jsa")):
        command = [sys.executable, "-m", "perf_pipeline_tests.support.broker_classes"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        config.add_cleanup(lambda: process.communicate() and None)


def main() -> None:
    """Start a broker, and stop it; nothing more where none can be had."""
    with TemporaryDirectory() as name:
        state = new_state(Path(name) / "state")
        try:
            with running_stack(state, StackOptions(parts=frozenset({"kafka"})), say=hush):
                pass
        except PerfPipelineError as error:
            sys.stderr.write(f"no broker for its classes: {error}\n")


if __name__ == "__main__":
    main()
