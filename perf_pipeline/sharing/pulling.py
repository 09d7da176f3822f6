"""Pull runs from a place that this history does not have; nothing of a damaged one is taken.

Files travel into a folder first, are proven there, and only then is the history opened.
Add here: another reason why a run is not pulled. Keep out: rows (store/bundles/).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import unquote

from perf_pipeline.errors import RequestError, StoreError
from perf_pipeline.quoting import shown
from perf_pipeline.sharing.manifest import (
    DIGITS,
    FOLDER,
    Manifest,
    SharedName,
    digest_of,
    read_manifest,
    read_names,
)
from perf_pipeline.sharing.of_releases import Releases
from perf_pipeline.sharing.place import SharedPlace, open_place
from perf_pipeline.sharing.pushing import DECIDED
from perf_pipeline.sharing.told import Movement
from perf_pipeline.store.baselines import releases
from perf_pipeline.store.bundles.content import known_contents
from perf_pipeline.store.bundles.decided import CHANGE, decided_texts, name_of, take_decided
from perf_pipeline.store.bundles.parts import RAW
from perf_pipeline.store.bundles.taking import TakenRun, take_runs
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.removal import removed_runs
from perf_pipeline.store.state import State

_AT_ONCE: Final = 50
_REMOVED: Final = "removed here before (name a run, and it comes back)"
_BEYOND: Final = "older than the newest that you asked for"


@dataclass(frozen=True, slots=True)
class PullWish:
    """Say what is to be pulled.

    Attributes:
        run_ids: only these, also if they were removed here; all when empty.
        newest: so many of the newest runs of the place, and those of pinned releases; all when
            None.
        samples: raw samples as well, of runs that were pushed with them.
    """

    run_ids: Collection[str] = ()
    newest: int | None = None
    samples: bool = False


@dataclass(frozen=True, slots=True)
class _Pinned:
    """Hold the ids of the runs that are pinned, and the runs that are here."""

    run_ids: Collection[str] = frozenset()
    here: Mapping[str, RunRecord] = field(default_factory=dict)


def pull(state: State, url: str, ask: PullWish) -> Movement:
    """Pull all runs of a place that this history does not have, and all decisions.

    A run that is here with other content is left alone on both sides, and told.

    Args:
        state: folder of the history, which is made where there is none.
        url: the URL of the place.
        ask: what is to be pulled.

    Raises:
        RequestError: there is no such place, or no such run in it.
        StoreError: the place cannot be read; what was taken whole is here.
        StoreBusyError: the history is open elsewhere.
    """
    place = open_place(url)
    there = read_names(place.names(FOLDER))
    _require(there, ask, place.url)
    done = Movement(place.url, "pulled")
    with state.history() as history:
        contents = known_contents(history)
        registered, removed = history.run_ids(), removed_runs(history)
    wanted = []
    pinned = _pinned(state, place, done) if ask.newest is not None else _Pinned()
    for run_id, names in _by_run(place, there, ask, pinned, done):
        if run_id in contents:
            _compare(run_id, names, contents[run_id], done)
        elif run_id in registered:
            done.known += 1  # nothing was measured of it here, where it was made
        elif run_id in removed and run_id not in ask.run_ids:
            done.leave(_REMOVED, run_id)
        elif (name := _one(names, done, samples=ask.samples)) is not None:
            wanted.append(name)
    for begin in range(0, len(wanted), _AT_ONCE):
        _pull_some(state, place, wanted[begin : begin + _AT_ONCE], done, samples=ask.samples)
    _pull_decided(state, place, done)
    return done


def _require(there: Sequence[SharedName], ask: PullWish, url: str) -> None:
    known = {name.run_id for name in there}
    for run_id in ask.run_ids:
        if run_id not in known:
            raise RequestError(
                f"run {shown(run_id)} is not in {url}",
                hint=f"it has {len(known):,} runs; write the whole id of one of them",
            )


def _pinned(state: State, place: SharedPlace, done: Movement) -> _Pinned:
    """Take the decisions of a place, and return the runs that are pinned."""
    _pull_decided(state, place, done)
    with state.history() as history:
        pinned = frozenset(row.run_id for row in releases(history))
        here = history.runs(len(history.run_ids())) if pinned else []
    return _Pinned(pinned, {run.run_id: run for run in here})


def _by_run(
    place: SharedPlace,
    there: Sequence[SharedName],
    ask: PullWish,
    pinned: _Pinned,
    done: Movement,
) -> Iterator[tuple[str, list[SharedName]]]:
    """Yield the names of each run that is asked for, oldest run first."""
    by_run: dict[str, list[SharedName]] = {}
    for name in there:
        by_run.setdefault(name.run_id, []).append(name)
    run_ids = list(by_run)
    wanted = set(run_ids if ask.newest is None else run_ids[max(0, len(run_ids) - ask.newest) :])
    first_names = {run_id: names[0] for run_id, names in by_run.items()}
    releases_there = Releases(place, first_names, pinned.here)
    for run_id in pinned.run_ids:
        if run_id in by_run:
            wanted |= releases_there.runs_of(run_id)
    for run_id, names in by_run.items():
        if ask.run_ids and run_id not in ask.run_ids:
            continue
        if run_id not in wanted:
            done.leave(_BEYOND, run_id)
        else:
            yield run_id, names


def _compare(run_id: str, names: Sequence[SharedName], content: str, done: Movement) -> None:
    others = sorted({name.content for name in names} - {content[:DIGITS]})
    if others:
        done.refused[run_id] = (
            f"it is here with other content than in {done.url} (here {content[:DIGITS]}, there "
            f"{', '.join(others)}); nothing was overwritten"
        )
    else:
        done.known += 1


def _one(names: Sequence[SharedName], done: Movement, *, samples: bool) -> SharedName | None:
    """Return the bundle of a run that suits; note a run that is there twice."""
    contents = sorted({name.content for name in names})
    if len(contents) > 1:
        done.refused[names[0].run_id] = (
            f"{done.url} has it with different contents ({', '.join(contents)}); remove the "
            f"manifest of the wrong one from {FOLDER}/"
        )
        return None
    return next((name for name in names if name.has_samples == samples), names[0])


def _pull_some(
    state: State, place: SharedPlace, names: Sequence[SharedName], done: Movement, *, samples: bool
) -> None:
    with TemporaryDirectory(prefix="perf-pipeline-pull-") as temporary:
        folder = Path(temporary)
        runs = []
        for name, manifest in _manifests(place, names, done):
            unwanted = () if samples else RAW
            wanted = [part.path for part in manifest.parts if part.table not in unwanted]
            texts = place.read(wanted)
            try:
                runs.append(_proven(manifest, texts, folder / name.content, unwanted))
            except StoreError as error:
                done.refused[name.run_id] = str(error)
        with state.history() as history:
            refused = take_runs(history, runs, folder / "newer")
    done.refused |= refused
    done.moved += [run.run_id for run in runs if run.run_id not in refused]


def _manifests(
    place: SharedPlace, names: Sequence[SharedName], done: Movement
) -> Iterator[tuple[SharedName, Manifest]]:
    texts = place.read([name.path for name in names])
    for name in names:
        if name.path not in texts:
            done.refused[name.run_id] = f"its manifest {name.path} is gone"
            continue
        try:
            yield name, read_manifest(name, texts[name.path])
        except StoreError as error:
            done.refused[name.run_id] = str(error)


def _proven(
    manifest: Manifest, texts: Mapping[str, bytes], folder: Path, unwanted: Collection[str]
) -> TakenRun:
    """Write the parts of a run into a folder, each of which is the one that was pushed.

    Raises:
        StoreError: a part is missing or damaged.
    """
    folder.mkdir(parents=True)
    files: dict[str, Path] = {}
    rows: dict[str, int] = {}
    for part in manifest.parts:
        if part.table in unwanted:
            continue
        if not part.table.isidentifier():
            raise StoreError(f"its manifest names a table {shown(part.table)}, which is unknown")
        text = texts.get(part.path)
        if text is None:
            raise StoreError(f"its part {part.path} is missing; nothing of the run was taken")
        if len(text) != part.bytes or digest_of(text) != part.sha256:
            raise StoreError(
                f"its part {part.path} is damaged: it has {len(text):,} bytes and another digest "
                f"than the {part.bytes:,} bytes that were pushed; nothing of the run was taken",
                hint="push the run again from a machine that has it, after removing its manifest",
            )
        files[part.table] = folder / f"{part.table}.parquet"
        files[part.table].write_bytes(text)
        rows[part.table] = part.rows
    return TakenRun(manifest.run_id, manifest.content, manifest.schema_version, files, rows)


def _pull_decided(state: State, place: SharedPlace, done: Movement) -> None:
    """Take the decisions that are new here, and the changes of level of runs that are here."""
    there = [name.removesuffix(".json") for name in place.names(DECIDED) if name.endswith(".json")]
    with state.history() as history:
        known, run_ids = decided_texts(history), history.run_ids()
    new = [name for name in there if name not in known and _is_of_a_run_here(name, run_ids)]
    texts = place.read([f"{DECIDED}/{name}.json" for name in new])
    taken = []
    for name in new:
        try:
            taken.append(_decided(name, texts.get(f"{DECIDED}/{name}.json", b"")))
        except (StoreError, ValueError) as error:
            done.refused[f"decision {name}"] = f"it is damaged: {error}"
    if taken:
        with state.history() as history:
            done.decided += take_decided(history, taken)


def _decided(name: str, text: bytes) -> str:
    if name_of(said := text.decode()) != name:
        raise StoreError("it is not what was written under its name")
    return said


def _is_of_a_run_here(name: str, run_ids: Collection[str]) -> bool:
    kind, _, rest = name.partition(".")
    return kind != CHANGE or unquote(rest.rpartition(".")[0]) in run_ids
