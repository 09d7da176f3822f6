"""Find the runs of a place that pinned releases rest on, by what their manifests say.

A place may hold the runs of many profiles, branches and machines, of which only those of one kind
belong to a release. Add here: another fact by which runs belong together. Keep out: pulling them
(pulling.py), and which runs a comparison takes (judging/).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from perf_pipeline.errors import StoreError
from perf_pipeline.sharing.manifest import Manifest, SharedName, read_manifest
from perf_pipeline.sharing.place import SharedPlace
from perf_pipeline.store.records import RunRecord

OF_A_RELEASE: Final = 60
"""So many runs like it come with a pinned release, itself included: twice those it rests on."""
_MOST_CHUNKS: Final = 10


class Releases:
    """Read manifests of a place, each at most once, and none of a run that is here.

    Args:
        place: the place.
        names: one name of each run in it, oldest run first.
        here: the runs that this history has.
    """

    def __init__(
        self,
        place: SharedPlace,
        names: Mapping[str, SharedName],
        here: Mapping[str, RunRecord],
    ) -> None:
        self._place = place
        self._names = names
        self._run_ids = list(names)
        self._read: dict[str, Manifest | RunRecord | None] = dict(here)

    def runs_of(self, pinned: str) -> set[str]:
        """Return a pinned run and the runs of its profile before it, none of a pull request.

        They go back to the 60th of the same branch and environment, but not over more than ten
        times as many runs of the place.

        Args:
            pinned: the id of a run of the place.

        Raises:
            StoreError: the place cannot be read.
        """
        found, alike = {pinned}, 0
        for chunk in self._backwards(self._run_ids.index(pinned) + 1):
            self._look_at(chunk)
            release = self._read[pinned]
            for run_id in reversed(chunk):
                run = self._read[run_id]
                if release is None or run is None or not _may_belong(run, release):
                    continue
                found.add(run_id)
                alike += _kind(run) == _kind(release)
                if alike == OF_A_RELEASE:
                    return found
        return found

    def _backwards(self, end: int) -> Iterator[Sequence[str]]:
        for last in range(end, max(0, end - _MOST_CHUNKS * OF_A_RELEASE), -OF_A_RELEASE):
            yield self._run_ids[max(0, last - OF_A_RELEASE) : last]

    def _look_at(self, run_ids: Sequence[str]) -> None:
        new = [self._names[run_id] for run_id in run_ids if run_id not in self._read]
        texts = self._place.read([name.path for name in new])
        for name in new:
            try:
                self._read[name.run_id] = read_manifest(name, texts[name.path])
            except (KeyError, StoreError):  # pulling it says so
                self._read[name.run_id] = None


def _may_belong(run: Manifest | RunRecord, release: Manifest | RunRecord) -> bool:
    if run.run_id == release.run_id:
        return True
    return run.profile == release.profile and not run.revision.get("pull_request")


def _kind(run: Manifest | RunRecord) -> tuple[object, ...]:
    return run.revision.get("branch", ""), dict(run.environment)
