"""What a run's bundle says of itself: a JSON file that is written last, when all parts are there.

Its name says which run it is and what that measured, so that a listing tells all that is new.
Add here: another fact about a shared run. Keep out: reading and writing places (place.py).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, unquote

from perf_pipeline.errors import StoreError

FOLDER: Final = "runs"
PARTS: Final = "parts"
_FORMAT: Final = 1
DIGITS: Final = 16
_WITH_SAMPLES: Final = "-samples"
_ENDING: Final = ".json"


@dataclass(frozen=True, slots=True)
class BundlePart:
    """Describe a file of a bundle: Parquet with a run's rows of one table."""

    table: str
    file: str
    sha256: str
    bytes: int
    rows: int

    @property
    def path(self) -> str:
        """Return where it is, below the place."""
        return f"{PARTS}/{self.file}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Describe a shared run.

    Attributes:
        run_id: the id of the run.
        began_at: UTC, ISO 8601.
        profile: its name.
        config_hash: the configuration hash of the profile.
        target: masked text.
        trigger: who started it.
        code_version: the version of the perf_pipeline that measured.
        schema_version: the schema version of the history that its rows come from.
        content: digest of what was measured.
        environment: facts of machine and stack that make runs comparable.
        revision: version of the target, and commit, branch and pull request by CI.
        tags: what people called the run.
        verdicts: how many thresholds ended with each status.
        parts: its files.
        has_samples: raw samples are among them.
    """

    run_id: str
    began_at: str
    profile: str
    config_hash: str
    target: str
    trigger: str
    code_version: str
    schema_version: int
    content: str
    environment: Mapping[str, str]
    revision: Mapping[str, str]
    tags: Mapping[str, str]
    verdicts: Mapping[str, int]
    parts: Sequence[BundlePart]
    has_samples: bool = False
    format: int = field(default=_FORMAT)

    @property
    def name(self) -> "SharedName":
        """Return what its file is called."""
        return SharedName(self.began_at, self.run_id, self.content[:DIGITS], self.has_samples)

    def to_json(self) -> bytes:
        """Write it with the digest of all that it says."""
        said = asdict(self)
        return json.dumps({**said, "sha256": _digest(said)}, indent=1, sort_keys=True).encode()


@dataclass(frozen=True, slots=True, order=True)
class SharedName:
    """Hold what the name of a manifest says.

    Attributes:
        began: when the run began, as digits and letters that sort by time.
        run_id: the id of the run.
        content: the beginning of the digest of what was measured.
        has_samples: raw samples are in the bundle.
    """

    began: str
    run_id: str
    content: str
    has_samples: bool = False

    @property
    def path(self) -> str:
        """Return where the manifest is, below the place."""
        samples = _WITH_SAMPLES if self.has_samples else ""
        began = _sortable(self.began)
        return f"{FOLDER}/{began}.{quote(self.run_id, safe='')}.{self.content}{samples}{_ENDING}"


def read_names(names: Iterable[str]) -> list[SharedName]:
    """Read the names of manifests, oldest run first; other files are left out."""
    found = []
    for name in names:
        stem, ending = name[: -len(_ENDING)], name[-len(_ENDING) :]
        began, _, rest = stem.partition(".")
        run_id, _, content = rest.rpartition(".")
        has_samples = content.endswith(_WITH_SAMPLES)
        content = content.removesuffix(_WITH_SAMPLES)
        if ending == _ENDING and began and run_id and len(content) == DIGITS:
            found.append(SharedName(began, unquote(run_id), content, has_samples))
    return sorted(found)


def read_manifest(name: SharedName, text: bytes) -> Manifest:
    """Read a manifest, and prove that it is the one that was written under its name.

    Raises:
        StoreError: it was written by a newer version, or it is damaged.
    """
    try:
        said: dict[str, Any] = json.loads(text)
        if int(said.get("format", 0)) > _FORMAT:
            raise StoreError(
                f"it was written by a newer perf_pipeline, as bundles of format {said['format']}",
                hint="upgrade perf_pipeline",
            )
        sealed = said.pop("sha256")
        parts = tuple(BundlePart(**part) for part in said.pop("parts"))
        found = Manifest(**said, parts=parts)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(name) from error
    if _digest(asdict(found)) != sealed or found.name.path != name.path:
        raise _damaged(name)
    return found


def digest_of(text: bytes) -> str:
    """Return SHA-256 of a file as 64 hex digits."""
    return sha256(text).hexdigest()


def _damaged(name: SharedName) -> StoreError:
    return StoreError(f"its manifest {name.path} is damaged: it is not what was written")


def _digest(said: Mapping[str, Any]) -> str:
    plain = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return sha256(plain.encode()).hexdigest()


def _sortable(began: str) -> str:
    """Write a moment as 20261128T224435Z; what is written so already stays."""
    if began.endswith("Z") and "-" not in began:
        return began
    return datetime.fromisoformat(began).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
