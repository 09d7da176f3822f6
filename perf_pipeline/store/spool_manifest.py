"""A list of what a benchmark left in the spool, and the comparison of the spool with it.

Each worker seals its own files (engine/recorder.py); the manifest names all files of the benchmark
and is written last. A spool with an outcome and without a manifest is damaged, or of a version
that wrote none: then run.json has no seal either.

Add here: another way in which a spool shows that it is damaged. Keep out: what its rows mean.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.metrics.spool_rows import HEAD_BYTES, KINDS_PREFIX
from perf_pipeline.metrics.spool_seal import (
    MANIFEST_FILE,
    SEAL_PREFIX,
    FileFacts,
    RunningFacts,
    layout_of,
    sealed,
    unsealed,
)
from perf_pipeline.store.spool_kinds import KINDS

OUTCOME_FILE: Final = "outcome.json"
# What is binary today was CSV in older versions.
_PATTERNS: Final = (
    *(
        kind.pattern if kind.layout is None else Path(kind.pattern).with_suffix(".*").name
        for kind in KINDS.values()
    ),
    f"{KINDS_PREFIX}*.csv",
    OUTCOME_FILE,
)
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SpoolCheck:
    """Say whether a benchmark's spool is as it was written.

    Attributes:
        damage: a sentence for each file that is not; empty if all are.
        left_out: names of the files whose rows can't be told from others: they are not stored.
        is_proven: every file was compared; False for a benchmark that was cut off, and for a spool
            of a version that wrote no checksums.
    """

    damage: tuple[str, ...]
    left_out: frozenset[str]
    is_proven: bool


def write_manifest(folder: Path) -> None:
    """Write the manifest of a benchmark's folder; all its other files are written and closed.

    Raises:
        OSError: the disk does not take it.
    """
    facts: dict[str, FileFacts] = {}
    for path in _data_files(folder):
        facts[path.name] = _facts_of(path)
    # What a worker sealed as it closed its files counts more than what is found now.
    facts |= _sealed_facts(folder, [])
    members = {name: file.to_json() for name, file in sorted(facts.items())}
    part = folder / f"{MANIFEST_FILE}.part"
    part.write_text(sealed(json.dumps(members, indent=1)), encoding="utf-8")
    part.replace(folder / MANIFEST_FILE)


def check_spool(folder: Path, *, run_is_sealed: bool) -> SpoolCheck:
    """Compare a benchmark's files with what its manifest, or its workers' seals, say of them.

    Args:
        folder: the folder of the benchmark.
        run_is_sealed: run.json has a checksum, so the version that wrote it writes manifests.
    """
    damage: list[str] = []
    left_out: set[str] = set()
    facts = _sealed_facts(folder, damage)
    manifest = _manifest_facts(folder, damage)
    if manifest is None and run_is_sealed and (folder / OUTCOME_FILE).exists() and not damage:
        damage.append(f"{MANIFEST_FILE} is missing")
    for name, told in (facts | (manifest or {})).items():
        sentence, is_usable = _compared(folder / name, told)
        if sentence:
            damage.append(sentence)
        if not is_usable:
            left_out.add(name)
    if manifest is not None:
        foreign = [path.name for path in _data_files(folder) if path.name not in manifest]
        damage += [f"{name} was not there when the benchmark ended" for name in foreign]
        left_out |= set(foreign)
    left_out |= _without_kinds(left_out)
    return SpoolCheck(tuple(damage), frozenset(left_out), manifest is not None)


def _sealed_facts(folder: Path, damage: list[str]) -> dict[str, FileFacts]:
    facts: dict[str, FileFacts] = {}
    for path in sorted(folder.glob(f"{SEAL_PREFIX}*.json")):
        try:
            facts |= _read_facts(path)
        except (OSError, ValueError) as error:
            damage.append(f"{path.name} is damaged: {error}")
    return facts


def _manifest_facts(folder: Path, damage: list[str]) -> dict[str, FileFacts] | None:
    """Return what the manifest says; None when there is none that can be believed."""
    try:
        return _read_facts(folder / MANIFEST_FILE)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        damage.append(f"{MANIFEST_FILE} is damaged: {error}")
        return None


def _read_facts(path: Path) -> dict[str, FileFacts]:
    text, is_sealed = unsealed(path.read_bytes())
    members = json.loads(text)
    if not is_sealed or not isinstance(members, dict):
        raise ValueError("it has no checksum")
    return {name: FileFacts.from_json(values) for name, values in members.items()}


def _compared(path: Path, told: FileFacts) -> tuple[str, bool]:
    """Return a sentence when a file is not as it was, and whether its rows may still be read.

    A file that was only cut short has a right beginning.
    """
    try:
        found = _facts_of(path)
    except FileNotFoundError:
        return f"{path.name}{_with_rows(told.rows)} is missing", True
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}", False
    if found == told:
        return "", True
    if found.size_bytes == told.size_bytes:
        return (
            f"{path.name} was changed after it was written (its checksum is {found.crc32:08x} "
            f"instead of {told.crc32:08x})"
        ), False
    what = "rows" if layout_of(path.name) else "lines"
    if found.rows != told.rows and path.name != OUTCOME_FILE:
        sentence = f"{path.name} holds {found.rows:,} of {told.rows:,} {what}"
    else:
        sentence = f"{path.name} holds {found.size_bytes:,} of {told.size_bytes:,} bytes"
    return sentence, found.size_bytes < told.size_bytes and path.name != OUTCOME_FILE


def _with_rows(rows: int) -> str:
    return f" with {rows:,} rows" if rows else ""


def _without_kinds(left_out: set[str]) -> set[str]:
    """Name the files of packed rows whose kinds can't be read."""
    return {
        f"{name.removeprefix(KINDS_PREFIX).removesuffix('.csv')}.npy"
        for name in left_out
        if name.startswith(KINDS_PREFIX)
    }


def _data_files(folder: Path) -> list[Path]:
    return sorted({path for pattern in _PATTERNS for path in folder.glob(pattern)})


def _facts_of(path: Path) -> FileFacts:
    """Read a whole file and sum it up."""
    running = RunningFacts(path.name)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES) if layout_of(path.name) else b""
        while piece := file.read(_BLOCK_BYTES):
            running.add(piece)
    return running.closed(head)
