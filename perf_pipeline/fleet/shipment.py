"""Find the files that an order's workloads read, and their places on a host.

Add here: another parameter that names a file. Keep out: sending them (distant_worker.py), and
keeping them on a host (kept_files.py).
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from perf_pipeline.errors import ScenarioError

MOST_FILES: Final = 5_000
_MODULES: Final = "*.py"
_FILE_KEYS: Final = ("ids_file", "log")
_FILES_KEYS: Final = ("ids_files", "query_files")
_OWN: Final = "own"
_NOT_SOURCES: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
SPOOL: Final = "spool"
_READ: Final = "files"
_FOLDER: Final = f"{_READ}/own"


@dataclass(slots=True)
class Shipment:
    """Collect the files of an order, and rewrite the order for a host.

    Attributes:
        files: the place of each file below the host's folder, and the file here.
    """

    files: dict[str, Path] = field(default_factory=dict)

    def fitted(self, job: Mapping[str, Any], there: str) -> dict[str, Any]:
        """Return a job with every path as it is on the host.

        Args:
            job: the JSON of a `LoadJob`.
            there: the host's folder.

        Raises:
            ScenarioError: a file is outside the folder of the profile, or there are too many.
        """
        scenarios = [
            {
                **scenario,
                "executor": self._moved(scenario["executor"], there),
                "parameters": self._parameters(scenario["parameters"], there),
            }
            for scenario in job["scenarios"]
        ]
        if len(self.files) > MOST_FILES:
            raise ScenarioError(
                f"{len(self.files):,} files would go to each host; at most {MOST_FILES:,} can",
                hint="keep the profile in a folder of its own, beside nothing but its files",
            )
        return {**job, "folder": f"{there}/{SPOOL}", "scenarios": scenarios}

    def _parameters(self, parameters: Mapping[str, Any], there: str) -> dict[str, Any]:
        moved = self._moved(parameters, there)
        if "replay" in moved:
            moved["replay"] = self._moved(moved["replay"], there)
        if "folder" in moved:
            self._add_own(Path(moved["folder"]), moved[_OWN])
            moved["folder"] = f"{there}/{_FOLDER}"
        return moved

    def _moved(self, table: Mapping[str, Any], there: str) -> dict[str, Any]:
        moved = dict(table)
        for key in _FILE_KEYS:
            if moved.get(key):
                moved[key] = self._place(moved[key], there)
        for key in _FILES_KEYS:
            if moved.get(key):
                moved[key] = {name: self._place(path, there) for name, path in moved[key].items()}
        return moved

    def _place(self, path: str, there: str) -> str:
        """Add a file of the run, if it is there, and return its path on the host."""
        name = f"{_READ}/{hashlib.sha256(path.encode()).hexdigest()[:16]}-{Path(path).name}"
        if Path(path).is_file():
            self.files[name] = Path(path)
        return f"{there}/{name}"

    def _add_own(self, folder: Path, own: Mapping[str, Any]) -> None:
        """Add the modules of a profile's folder, and each file that the parameters name."""
        root = folder.resolve()
        for text in _texts(own):
            path = folder / text
            if not _is_file(path):
                continue
            if not self._added(root, folder, path):
                raise ScenarioError(
                    f"the file {text!r} is outside the folder of the profile",
                    hint="what goes to the hosts of a fleet has to be in the profile's folder",
                )
        if "path" in own:
            for module in _modules(folder / str(own["path"])):
                self._added(root, folder, module)

    def _added(self, root: Path, folder: Path, path: Path) -> bool:
        """Add a file under the name by which a workload opens it, unless it is outside."""
        place = Path(os.path.relpath(path, folder))
        if ".." in place.parts or not path.resolve().is_relative_to(root):
            return False
        self.files[f"{_FOLDER}/{place}"] = path
        return True


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that is no name of a file
        return False


def _modules(folder: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, without environments and hidden folders."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.name in _NOT_SOURCES:
            continue
        if path.is_dir() and not (path / "pyvenv.cfg").exists():
            yield from _modules(path)
        elif path.match(_MODULES):
            yield path


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
