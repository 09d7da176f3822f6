"""The names of tags that a profile gives its scenarios.

Add here: a rule about such a name. Keep out: which filters make sense (metrics/scenario_tags.py).
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from perf_pipeline.metrics.scenario_tags import BUILT_IN_TAGS

# A verdict's name has the tag's name between two `__`, and two filters must not share a name.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def _tag_name(name: str) -> str:
    if name in BUILT_IN_TAGS:
        built_in = ", ".join(sorted(BUILT_IN_TAGS))
        raise ValueError(
            f"{name!r} is a tag that every sample already has, as are {built_in}; choose another "
            "name"
        )
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a valid name of a tag; begin with a letter, and use letters, digits "
            "and single _ between them"
        )
    return name


TagName = Annotated[str, AfterValidator(_tag_name)]
