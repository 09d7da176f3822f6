"""Read the profile of a stored or spooled run, even if an older version wrote it.

Add here: another value that an older version accepted. Keep out: profiles that are about to be run.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

# These keys once had no bounds, and decide neither a figure nor a verdict.
_MAY_BE_ODD: Final = (("seed",), ("keepRawRuns",), ("baseline", "window"))


def stored_profile(profile_json: str, source: str) -> Profile:
    """Return a run's own profile; numbers that were once accepted become the default.

    Raises:
        ProfileError: this version does not understand it.
    """
    try:
        return _read(profile_json)
    except ProfileError:
        return validate_profile(json.loads(profile_json), source)  # said with its source


# A report reads its run's profile three times, and a trend those of sixty runs, mostly the same.
@lru_cache(maxsize=16)
def _read(profile_json: str) -> Profile:
    raw = json.loads(profile_json)
    try:
        return validate_profile(raw, "")
    except ProfileError as error:
        try:
            return validate_profile(_without_odd_numbers(raw), "")
        except ProfileError:
            raise error from None


def _without_odd_numbers(raw: Mapping[str, Any]) -> dict[str, Any]:
    mended = dict(raw)
    for *tables, key in _MAY_BE_ODD:
        table = mended
        for name in tables:
            table[name] = table = dict(table.get(name) or {})
        table.pop(key, None)
    return mended
