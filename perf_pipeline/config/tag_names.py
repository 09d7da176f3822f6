"""Names of the tags that a profile gives its scenarios.

Add here: a rule about such a name. Keep out: which filters make sense (metrics/scenario_tags.py).
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from perf_pipeline.metrics.scenario_tags import BUILT_IN_TAGS

# A verdict's name holds the tag's name between two `__`, and no two filters may share a name.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def _tag_name(name: str) -> str:
    if name in BUILT_IN_TAGS:
        built_in = ", ".join(sorted(BUILT_IN_TAGS))
        raise ValueError(f"{name!r} is a tag that samples have by themselves, as {built_in} are")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} can't name a tag: letters and digits, single _ between them, a letter first"
        )
    return name


TagName = Annotated[str, AfterValidator(_tag_name)]
