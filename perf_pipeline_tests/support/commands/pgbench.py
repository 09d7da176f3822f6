"""pgbench itself, on a server of the tests, as somebody calls it by hand.

Add here: nothing. Keep out: scripts; and what the product makes of it (stack/postgres_pgbench.py).
"""

import subprocess

from perf_pipeline.stack.postgres_pgbench import environment_for, find_pgbench


def run_pgbench(dsn: str, *options: str) -> str:
    """Run it on a database, and give what it tells on stderr."""
    program = find_pgbench()
    assert program is not None
    done = subprocess.run(
        [str(program), *options],
        capture_output=True,
        text=True,
        check=True,
        env={**environment_for(dsn), "LC_ALL": "C"},
    )
    return done.stderr
