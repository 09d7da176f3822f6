"""Read the profile that a stored or spooled run was made with, also one of an older version.

Add here: what an older version let through. Keep out: profiles that are about to be run.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

# They had no bounds once, and decide neither a figure of the run nor a verdict on a threshold.
_MAY_BE_ODD: Final = (("seed",), ("keepRawRuns",), ("baseline", "window"))


def stored_profile(profile_json: str, source: str) -> Profile:
    """Return a run's own profile, with the default for a number that was accepted once.

    Raises:
        ProfileError: this version does not understand it.
    """
    try:
        return _read(profile_json)
    except ProfileError:
        return validate_profile(json.loads(profile_json), source)  # told with where it came from


# A report reads its run's profile three times, a trend that of sixty runs, and most have the same.
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
