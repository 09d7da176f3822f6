"""Read services of libpq's pg_service.conf, which name sets of connection parameters.

libpq reads the file itself, but does not say what it found there until it connects.
Source: https://www.postgresql.org/docs/current/libpq-pgservice.html
Add here: another place where the file may be. Keep out: other parameters.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path


def service_of(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return a service's parameters as libpq reads them: the first value of each name wins.

    Args:
        name: the name in `service=` or PGSERVICE.
        environment: the environment with PGSERVICEFILE, PGSYSCONFDIR and HOME.

    Raises:
        ValueError: no known file has the service, or the service refers libpq to an LDAP server.
    """
    tried = list(_files(environment))
    for file in tried:
        found = _section(file, name)
        if found is not None:
            return found
    shown = " or ".join(str(file) for file in tried)
    raise ValueError(
        f"names the service {name[:100]!r}, which is not in {shown}; correct the name, or set "
        "PGSERVICEFILE"
    )


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    given = environment.get("PGSERVICEFILE")
    yield Path(given) if given else Path(environment.get("HOME") or "~") / ".pg_service.conf"
    if folder := environment.get("PGSYSCONFDIR"):
        yield Path(folder) / "pg_service.conf"


def _section(file: Path, name: str) -> dict[str, str] | None:
    try:
        lines = file.expanduser().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        raise ValueError(f"names a service, but {file} can't be read: {error}") from None
    found: dict[str, str] | None = None
    is_inside = False
    for line in map(str.strip, lines):
        if line.startswith("["):
            is_inside = found is None and line.startswith(f"[{name}]")
            found = {} if is_inside else found
        elif is_inside and found is not None and line and not line.startswith("#"):
            key, value = _parameter(line, name, file)
            found.setdefault(key, value)
    return found


def _parameter(line: str, name: str, file: Path) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if line.startswith("ldap"):
        raise ValueError(
            f"names the service {name[:100]!r}, which {file} takes from an LDAP server; write its "
            "host, port and database instead"
        )
    if not equals or key in {"service", "servicefile"}:
        raise ValueError(
            f"names the service {name[:100]!r}, but its entry in {file} has a line that can't be "
            "read"
        )
    return key, value
