"""The command line's first lines: `perf-pipeline`, and `python -m perf_pipeline`.

Ctrl-C, SIGTERM, a limit of open files or of memory, and an installation that is not whole may be
met while modules are still imported. Add here: another such ending. Keep out: imports at the top.
"""

import os
from collections.abc import Callable
from types import FrameType
from typing import Final

_WISHES: Final[list[int]] = []  # signals that came before a command listens by itself
_ENDED: Final[list[int]] = []  # its exit code, once a command has ended


def start() -> None:
    """Run the command line."""
    # NumPy's OpenBLAS takes a thread and tens of MB for each core as it is loaded, and ends the
    # process with 1, or spins, where a limit refuses them; nothing here has so large a matrix.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import atexit  # noqa: PLC0415 - see above

    # The first that is registered is called last. Where something was registered before (a
    # sitecustomize that counts coverage, say), its turn would not come.
    if not atexit._ncallbacks():  # noqa: SLF001 - nothing else tells it
        atexit.register(leave)
    try:
        _listen(_note)  # an interrupt that is raised inside an import may be swallowed there
        from perf_pipeline.cli.main import main  # noqa: PLC0415 - see above

        _listen(_interrupt)
        _obey()
        try:
            main()
        except SystemExit as ending:
            _note_end(ending.code)
            raise
        finally:
            _listen_no_more()
    except KeyboardInterrupt:
        os._exit(105)  # ExitCode.STOPPED, which may not be imported yet
    except (OSError, MemoryError) as error:
        _end(f"the system refuses to load it: {error or 'no more memory'}")
    except ImportError as error:
        if (error.name or "").startswith("perf_pipeline"):
            raise  # a bug of ours
        _end(f"a library can't be loaded: {error}; give it more memory, or install it again")


def leave() -> None:
    """End the process where Python would begin to take apart what a command has imported.

    That took each command up to 0.3 s of CPU, and gives nothing back that the system does not take
    itself. Threads were waited for by then, and all else that is called at an exit has been called.
    A process that ends by an error, or whose output cannot be written, ends as Python ends it.
    """
    import sys  # noqa: PLC0415 - see above

    if not _ENDED:
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(_ENDED[-1])


def _note_end(code: object) -> None:
    """Keep an exit code; Python prints one that is no number, and ends with 1."""
    if code is None or isinstance(code, int):
        _ENDED.append(code or 0)


def _listen(action: Callable[[int, FrameType | None], None]) -> None:
    """Treat SIGTERM and a closed terminal like Ctrl-C, until a command listens by itself."""
    import signal  # noqa: PLC0415 - see above

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, action)


def _note(number: int, _: FrameType | None) -> None:
    if _WISHES:
        os._exit(105)  # whoever asks twice does not want to wait
    _WISHES.append(number)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _obey() -> None:
    if _WISHES:
        raise KeyboardInterrupt


def _listen_no_more() -> None:
    """Ignore signals while Python shuts down, so that none of them replaces the exit code."""
    import signal  # noqa: PLC0415 - see above

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def _end(sentence: str) -> None:
    """Print a sentence and exit as NOT_MEASURED, importing nothing: an import would fail again."""
    os.write(2, f"perf-pipeline: {' '.join(sentence.split())[:1_000]}\n".encode(errors="replace"))
    os._exit(97)


if __name__ == "__main__":
    start()
