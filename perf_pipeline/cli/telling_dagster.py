"""Report stored runs to Dagster through a separate program, so that Dagster is not imported here.

Add here: another instance to report to. Keep out: what Dagster shows (defs/).
"""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from perf_pipeline.errors import ExitCode, RequestError

if TYPE_CHECKING:
    from perf_pipeline.store.state import State

HOME_VARIABLE: Final = "DAGSTER_HOME"
_PROGRAM: Final = "perf_pipeline.defs.sync"
_BEGUN: Final = "."
# Dagster takes seconds to import, or a minute on a busy machine; a storage answers at once.
BEGINS_WITHIN_S: Final = 120.0
SILENT_S: Final = 20.0


def instance_of(state: "State", environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that name Dagster's instance; empty if there is none.

    It is the instance of DAGSTER_HOME, else that of the UI that serves this state folder.
    """
    from perf_pipeline.stack.ui_instance import served_instance

    home = environ.get(HOME_VARIABLE)
    return {HOME_VARIABLE: home} if home else served_instance(state.folder)


def tell_of_run(state: "State", run_id: str, *, quiet: bool) -> None:
    """Report a run that ended to Dagster, if there is an instance; this never changes the run.

    Args:
        state: folder of the history.
        run_id: the id of the run.
        quiet: whether to report only failures.
    """
    instance = instance_of(state, os.environ)
    if not instance:
        return
    program = DagsterProgram()
    for sentence in program.sentences(state, instance, [run_id]):
        if not quiet:
            click.echo(sentence, err=True)
    if program.trouble:
        later = "`perf-pipeline dagster sync` brings it in later"
        click.echo(f"run {run_id} is not in Dagster: {program.trouble}; {later}", err=True)


def sync(state: "State") -> None:
    """Report all stored runs to Dagster that it does not have, and say which.

    Raises:
        RequestError: no instance is named.
    """
    instance = instance_of(state, os.environ)
    if not instance:
        raise RequestError(
            f"there is no instance of Dagster: {HOME_VARIABLE} is not set, and no `perf-pipeline "
            f"ui` serves {state.folder}",
            hint=f"set {HOME_VARIABLE} to the folder with dagster.yaml, or start the UI",
        )
    program = DagsterProgram()
    for sentence in program.sentences(state, instance, []):
        click.echo(sentence)
    if program.trouble:
        trouble = f"runs could not be reported to Dagster: {program.trouble}"
        click.echo(f"perf-pipeline: {trouble}", err=True)
        sys.exit(ExitCode.NOT_MEASURED)


class DagsterProgram:
    """Run the program, and remember what went wrong."""

    trouble = ""

    def sentences(
        self,
        state: "State",
        instance: Mapping[str, str],
        run_ids: Sequence[str],
        silent_s: float = SILENT_S,
    ) -> Iterator[str]:
        """Yield the program's messages as long as all is well.

        Args:
            state: folder of the history.
            instance: the variables that name the instance.
            run_ids: the ids of the runs to report; empty for all.
            silent_s: the program is given up if it prints nothing for this long.
        """
        argv = [sys.executable, "-P", "-m", _PROGRAM, str(state.folder.absolute()), *run_ids]
        try:
            yield from self._of(argv, instance, silent_s)
        except OSError as error:
            self.trouble = f"its program can't be started: {error.strerror}"

    def _of(
        self, argv: Sequence[str], instance: Mapping[str, str], silent_s: float
    ) -> Iterator[str]:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONWARNINGS": "ignore", **instance},
        ) as program:
            last = ""
            for line in _lines(program, silent_s):
                if last:
                    yield last
                last = line
            code = program.wait()
        if not code:
            yield from filter(None, [last])
        elif code < 0:
            self.trouble = f"its instance did not answer for {silent_s:g} s"
        else:
            self.trouble = last or f"its program ended with {code}"


def _lines(program: subprocess.Popen[str], silent_s: float) -> Iterator[str]:
    """Yield the lines of a program; kill it if it is silent for too long.

    Its first line says that it has begun.
    """
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert program.stdout is not None
    stream = program.stdout

    def read() -> None:
        for line in stream:
            heard.put(line.rstrip("\n"))
        heard.put("")

    threading.Thread(target=read, daemon=True).start()
    within_s = BEGINS_WITHIN_S
    try:
        while line := heard.get(timeout=within_s):
            within_s = silent_s
            if line != _BEGUN:
                yield line
    except queue.Empty:
        program.kill()
