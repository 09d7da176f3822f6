"""pgbench, PostgreSQL's own load generator: where it is, and what it reaches in a few seconds.

Add here: another of its figures. Keep out: statements (workloads/) and when it is run (loading/).
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Final

from psycopg.conninfo import conninfo_to_dict

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.postgres_binaries import find_postgres

# libpq reads them from the environment, where no list of processes shows the password.
_VARIABLES: Final = MappingProxyType(
    {
        "host": "PGHOST",
        "hostaddr": "PGHOSTADDR",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
    }
)
# "without initial connection time" from 14 on, before "excluding connections establishing".
_RATE: Final = re.compile(r"^tps = ([0-9.]+) \((?:without|excluding) ", re.MULTILINE)
_ERROR: Final = re.compile(r"^pgbench: (?:error|fatal): +(?P<what>.+)", re.MULTILINE)
_PATIENCE_S: Final = 30.0


def find_pgbench() -> Path | None:
    """Return the program: on PATH, or beside the binaries that the stack uses."""
    found = shutil.which("pgbench")
    if found is not None:
        return Path(found)
    binaries = find_postgres()
    beside = binaries[0] / "pgbench" if binaries else None
    return beside if beside is not None and beside.exists() else None


def pgbench_rate(
    program: Path,
    dsn: str,
    script: str,
    *,
    connections: int,
    seconds: int,
    protocol: str = "prepared",
    threads: int = 2,
) -> float:
    """Run a script without pause on all connections and return its transactions per second.

    With prepared statements (or another `protocol`) and two threads (or as many as `threads`), and
    without the time that connecting takes. Source:
    https://www.postgresql.org/docs/current/pgbench.html

    Raises:
        TargetUnavailableError: pgbench ended with an error, or not in time.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        words = ["-n", "-M", protocol, "-c", str(connections)]
        words += ["-j", str(min(threads, connections))]
        try:
            answer = subprocess.run(
                [str(program), *words, "-T", str(seconds), "-f", file.name],
                env=environment_for(dsn),
                capture_output=True,
                text=True,
                check=True,
                timeout=seconds + _PATIENCE_S,
            )
        except subprocess.TimeoutExpired as error:
            raise TargetUnavailableError(f"pgbench did not end {_PATIENCE_S:g} s late") from error
        except subprocess.CalledProcessError as error:
            what = failure_in(error.stderr)
            raise TargetUnavailableError(f"pgbench failed: {what}") from error
    return rate_in(answer.stdout)


def environment_for(dsn: str) -> dict[str, str]:
    """Return the environment in which a program of PostgreSQL's connects to a database."""
    given = conninfo_to_dict(dsn)
    settings = {name: str(given[key]) for key, name in _VARIABLES.items() if given.get(key)}
    # What the user's own environment says to libpq is for another server.
    others = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**others, **settings}


def rate_in(output: str) -> float:
    """Read the transactions per second from what pgbench printed.

    Raises:
        TargetUnavailableError: there is no such line.
    """
    found = _RATE.search(output)
    if found is None:
        raise TargetUnavailableError("pgbench printed no rate")
    return float(found[1])


def failure_in(errors: str) -> str:
    """Read why pgbench failed from its stderr: the first of its errors, of which others follow."""
    found = _ERROR.search(errors)
    return found["what"] if found else (errors.strip() or "without a word").splitlines()[0]
