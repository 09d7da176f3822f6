"""The command line's first lines: `perf-pipeline`, and `python -m perf_pipeline`.

Ctrl-C may come while modules are still imported. Add here: nothing. Keep out: imports at the top.
"""

import os


def start() -> None:
    """Run the command line."""
    try:
        from perf_pipeline.cli.main import main  # noqa: PLC0415 - see above

        main()
    except KeyboardInterrupt:
        os._exit(105)  # ExitCode.STOPPED, which may not be imported yet


if __name__ == "__main__":
    start()
