"""Push stored runs to a place: the parts of each first, and its manifest when they are all there.

The history is open while parts are written beside it, and closed while they travel.
Add here: another reason why a run is not pushed. Keep out: rows (store/bundles/).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

from perf_pipeline.errors import RequestError, StoreError
from perf_pipeline.sharing.manifest import (
    DIGITS,
    FOLDER,
    BundlePart,
    Manifest,
    SharedName,
    digest_of,
    read_names,
)
from perf_pipeline.sharing.place import SharedPlace, open_place
from perf_pipeline.sharing.told import Movement
from perf_pipeline.store.bundles.content import known_contents, runs_with_samples
from perf_pipeline.store.bundles.decided import decided_texts
from perf_pipeline.store.bundles.parts import RAW, PartFile, write_parts
from perf_pipeline.store.bundles.taking import schema_version
from perf_pipeline.store.history import History
from perf_pipeline.store.removal import known_runs_in_order, stored_loads
from perf_pipeline.store.rerun_ids import rerun_of
from perf_pipeline.store.state import State
from perf_pipeline.store.unfinished import unfinished, unjudged, waiting

DECIDED: Final = "decisions"
_AT_ONCE: Final = 20
_UNJUDGED: Final = "not judged yet (`perf-pipeline judge RUN` does it)"
_UNDER_WAY: Final = "still under way, to be pushed later"
_WAITING: Final = "not stored whole yet (`perf-pipeline ingest RUN` does it)"


@dataclass(frozen=True, slots=True)
class PushWish:
    """Say what is to be pushed.

    Attributes:
        run_ids: only these, and their re-runs; all when empty.
        samples: raw samples as well, where they are still here.
        is_loading: a run loads in this state folder.
    """

    run_ids: Collection[str] = ()
    samples: bool = False
    is_loading: bool = False

    def wants(self, run_id: str) -> bool:
        """Say whether a run is meant."""
        heads = (run_id, rerun_of(run_id))
        return not self.run_ids or any(head in self.run_ids for head in heads)


def push(state: State, url: str, wish: PushWish) -> Movement:
    """Push all stored runs that a place does not have, and all decisions.

    A run that is there with other content is left alone on both sides, and told.

    Args:
        state: folder of the history.
        url: the URL of the place.
        wish: what is to be pushed.

    Raises:
        RequestError: there is no history, or no such place.
        StoreError: the place cannot be read or written; what was written whole is there.
        StoreBusyError: the history is open elsewhere.
    """
    if not state.history_file.exists():
        raise RequestError(
            f"there is no run in {state.history_file}",
            hint="`perf-pipeline run` makes one; `--state FOLDER` looks in another place",
        )
    place = open_place(url)
    there = read_names(place.names(FOLDER))
    done = Movement(place.url, "pushed")
    with state.history() as history:
        contents = _chosen(history, state, wish, done)
        sampled = runs_with_samples(history.connection) if wish.samples else set()
        texts = decided_texts(history)
    new = _new(contents, there, sampled, done)
    for begin in range(0, len(new), _AT_ONCE):
        some = {run_id: contents[run_id] for run_id in new[begin : begin + _AT_ONCE]}
        _push_some(state, place, some, done, samples=wish.samples)
    _push_decided(place, texts, done)
    return done


def _chosen(history: History, state: State, wish: PushWish, done: Movement) -> dict[str, str]:
    """Return the digests of the runs that are whole; note the others."""
    contents = known_contents(history)
    runs, loads = known_runs_in_order(history), stored_loads(history)
    reasons = dict.fromkeys(unjudged(history), _UNJUDGED)
    reasons |= dict.fromkeys(waiting(state, runs, loads), _WAITING)
    if wish.is_loading:
        reasons |= dict.fromkeys(unfinished(state, runs, loads), _UNDER_WAY)
    chosen = {}
    for run in reversed(runs):
        if not wish.wants(run.run_id):
            continue
        if run.run_id in reasons:
            done.leave(reasons[run.run_id], run.run_id)
        elif run.run_id in contents:
            chosen[run.run_id] = contents[run.run_id]
    return chosen


def _new(
    contents: Mapping[str, str],
    there: Iterable[SharedName],
    sampled: Collection[str],
    done: Movement,
) -> list[str]:
    """Return the runs that the place does not have, oldest first, or not with their samples."""
    known: dict[str, dict[str, bool]] = {}
    for name in there:
        of_run = known.setdefault(name.run_id, {})
        of_run[name.content] = of_run.get(name.content, False) or name.has_samples
    new = []
    for run_id, content in contents.items():
        of_run, own = known.get(run_id, {}), content[:DIGITS]
        if others := sorted(of_run.keys() - {own}):
            done.refused[run_id] = (
                f"{done.url} has it with other content ({', '.join(others)}, and here {own}); "
                "nothing was overwritten, neither there nor here"
            )
        elif own in of_run and (of_run[own] or run_id not in sampled):
            done.known += 1
        else:
            new.append(run_id)
    return new


def _push_some(
    state: State, place: SharedPlace, contents: Mapping[str, str], done: Movement, *, samples: bool
) -> None:
    bundles = []
    with TemporaryDirectory(prefix="perf-pipeline-push-") as folder:
        with state.history() as history:
            for run_id, content in contents.items():
                try:
                    written = _bundle(history, run_id, content, Path(folder), samples=samples)
                except StoreError as error:  # of damaged rows; the others are pushed
                    done.refused[run_id] = str(error)
                else:
                    bundles.append(written)
        for manifest, files in bundles:
            place.write({part.path: file.read_bytes() for part, file in files})
            place.write({manifest.name.path: manifest.to_json()})
            done.moved.append(manifest.run_id)


def _bundle(
    history: History, run_id: str, content: str, folder: Path, *, samples: bool
) -> tuple[Manifest, list[tuple[BundlePart, Path]]]:
    """Write the parts of a run into a folder, proven; return its manifest and them."""
    history.proof.require_run(run_id)
    run = history.run(run_id)
    files = write_parts(history.connection, run_id, folder / content, with_raw=samples)
    parts = [(_part(run_id, file), file.path) for file in files]
    manifest = Manifest(
        run_id=run_id,
        began_at=run.began_at,
        profile=run.profile,
        config_hash=run.config_hash,
        target=run.target,
        trigger=run.trigger,
        code_version=run.code_version,
        schema_version=schema_version(),
        content=content,
        environment=dict(run.environment),
        revision=dict(run.revision),
        tags=dict(run.tags),
        verdicts=dict(Counter(str(verdict.status) for _, verdict in history.verdicts(run_id))),
        parts=[part for part, _ in parts],
        has_samples=any(part.table in RAW for part, _ in parts),
    )
    return manifest, parts


def _part(run_id: str, file: PartFile) -> BundlePart:
    text = file.path.read_bytes()
    digest = digest_of(text)
    name = f"{quote(run_id, safe='')}/{file.table}.{digest[:DIGITS]}.parquet"
    return BundlePart(file.table, name, digest, len(text), file.rows)


def _push_decided(place: SharedPlace, texts: Mapping[str, str], done: Movement) -> None:
    known = set(place.names(DECIDED))
    new = {f"{name}.json": text.encode() for name, text in texts.items()}
    missing = {f"{DECIDED}/{name}": text for name, text in new.items() if name not in known}
    place.write(missing)
    done.decided = len(missing)
