"""pgbench itself, on a server of the tests, as somebody calls it by hand.

Add here: nothing. Keep out: scripts; and what the product makes of it (stack/postgres_pgbench.py).
"""

import subprocess

from psycopg.conninfo import conninfo_to_dict

from perf_pipeline.stack.postgres_pgbench import find_pgbench


def run_pgbench(dsn: str, *options: str) -> str:
    """Run it on a database, and give what it tells on stderr."""
    program = find_pgbench()
    assert program is not None
    at = conninfo_to_dict(dsn)
    words = [str(program), "-h", str(at.get("host", "")), "-p", str(at.get("port", 5432))]
    words += ["-U", str(at.get("user", "postgres")), *options, str(at["dbname"])]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=True,
        env={"PGPASSWORD": str(at.get("password", "")), "LC_ALL": "C"},
    )
    return done.stderr
