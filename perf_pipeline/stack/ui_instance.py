"""Say which Dagster instance the UI of a state folder serves, for those who report runs to it.

The file names a password, so only its owner can read it; it is there while the UI is up.
Add here: another fact about a UI that is up. Keep out: starting it (webserver.py).
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from perf_pipeline.stack.process_register import Owner, is_alive, this_process

SERVICES: Final = "dagster"
_FILE: Final = "instance.json"
_PRIVATE: Final = 0o600


@contextmanager
def known_instance(services: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Tell others how to reach the instance while the block runs.

    Args:
        services: the folder of the UI's servers.
        variables: by which Dagster's programs find it.
    """
    path = services / _FILE
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"owner": asdict(this_process()), "variables": dict(variables)}, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def served_instance(state: Path) -> dict[str, str]:
    """Return the variables by which the instance of a UI is found; empty where none is up.

    Args:
        state: folder that the UI serves.
    """
    try:
        found = json.loads((state / SERVICES / _FILE).read_text(encoding="utf-8"))
        owner, variables = Owner(**found["owner"]), dict(found["variables"])
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return variables if is_alive(owner) else {}
