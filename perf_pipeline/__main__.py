"""The command line's first lines: `perf-pipeline`, and `python -m perf_pipeline`.

Ctrl-C, a limit of open files or of memory, and an installation that is not whole may be met while
modules are still imported. Add here: another such ending. Keep out: imports at the top.
"""

import os


def start() -> None:
    """Run the command line."""
    try:
        from perf_pipeline.cli.main import main  # noqa: PLC0415 - see above

        main()
    except KeyboardInterrupt:
        os._exit(105)  # ExitCode.STOPPED, which may not be imported yet
    except (OSError, MemoryError) as error:
        _end(f"the system refuses to load it: {error or 'no more memory'}")
    except ImportError as error:
        if (error.name or "").startswith("perf_pipeline"):
            raise  # a bug of ours
        _end(f"a library can't be loaded: {error}; give it more memory, or install it again")


def _end(sentence: str) -> None:
    """Say a sentence and end as `NOT_MEASURED`; without any import, which would fail again."""
    os.write(2, f"perf-pipeline: {' '.join(sentence.split())[:1_000]}\n".encode(errors="replace"))
    os._exit(97)


if __name__ == "__main__":
    start()
