"""Tell what a module may say without parsing it: to parse all modules takes seconds.

Add here: another way to write a text so that its letters do not stand beside each other. Keep out:
what is looked for.
"""

import re
from typing import Final

# What stands between two texts that are one, and letters that are written by their numbers.
_BETWEEN: Final = re.compile(r"""["']{1,3}(?:\s|\\\n|\#[^\n]*\n)*[bfruBFRU]{0,2}["']{1,3}""")
_NUMBERED: Final = re.compile(r"\\[0-7xuUN]")


def may_say(wanted: re.Pattern[str], source: str) -> bool:
    """Tell whether a module may have a text that matches, as it is written or put together.

    A module that says it is never left out; one that does not say it may have to be parsed.
    """
    return bool(
        wanted.search(source) or wanted.search(_BETWEEN.sub("", source)) or _NUMBERED.search(source)
    )
