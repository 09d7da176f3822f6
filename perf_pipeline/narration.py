"""Who is told how something goes: whoever starts a thing gives it somebody to tell.

Add here: another way of being told. Keep out: printing (cli/narrator.py, defs/narration.py).
"""

from collections.abc import Callable
from typing import Final

Say = Callable[[str], None]
"""Takes one sentence at a time."""

PROGRESS_PREFIX: Final = "  "
"""What a sentence begins with that tells how far a load is."""
