"""Bad input by the thousand, of every kind: whatever is given ends in a sentence, never in a bug.

`make fuzz` runs it without an end, the suite for some seconds of each kind; a case has a number,
and the same seed gives the same ones.
Add here: a kind of input. Keep out: the inputs themselves, a module each.
"""

import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import count, islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline_tests.fuzz.command_fuzz import command_case
from perf_pipeline_tests.fuzz.files_fuzz import csv_case, toml_case
from perf_pipeline_tests.fuzz.profile_fuzz import profile_case
from perf_pipeline_tests.fuzz.spool_fuzz import spool_case
from perf_pipeline_tests.fuzz.target_fuzz import target_case

LONGEST_SENTENCE: Final = 60_000  # 50 mistakes of some hundred characters
Case = Callable[[], object]
KINDS: Final[Mapping[str, Callable[[random.Random, Path], Case]]] = MappingProxyType(
    {
        "profile": lambda chance, _: profile_case(chance),
        "toml": toml_case,
        "csv": csv_case,
        "target": lambda chance, _: target_case(chance),
        "command": command_case,
        "spool": spool_case,
    }
)
_WEIGHTS: Final = {"profile": 6, "toml": 3, "csv": 1, "target": 3, "command": 2, "spool": 1}


def cases(seed: int, folder: Path, kind: str = "") -> Iterator[tuple[int, Case]]:
    """Give cases without an end, each with its number; the same seed gives the same ones.

    Args:
        seed: of all of them.
        folder: for the files of a case; it is the case's own until the next one.
        kind: only these; a mixture of all when empty.
    """
    for number in count():
        chance = random.Random(f"{seed}/{number}")
        (drawn,) = chance.choices(list(KINDS), [_WEIGHTS[name] for name in KINDS])
        yield number, KINDS[kind or drawn](chance, folder)


def failure_of(case: Case) -> str | None:
    """Run a case; say what is wrong with its end, None when it ended as it should."""
    try:
        case()
    except PerfPipelineError as error:
        return _sentence_mistake(str(error), int(error.exit_code))
    except Exception:  # noqa: BLE001 - what is looked for
        return traceback.format_exc()
    return None


def _sentence_mistake(sentence: str, code: int) -> str | None:
    if code not in {97, 104}:
        return f"it ended with {code}: {sentence[:500]}"
    if not 0 < len(sentence) < LONGEST_SENTENCE:
        return f"its sentence has {len(sentence)} characters: {sentence[:500]}"
    if not all(character.isprintable() or character == "\n" for character in sentence):
        return f"its sentence has control characters: {sentence[:500]!r}"
    if "Traceback" in sentence or "pydantic" in sentence:
        return f"its sentence is not for people: {sentence[:500]}"
    return None


def main(seed: int, most: int | None, kind: str) -> int:
    """Run cases until one fails, or `most` of them; give the exit code."""
    print(f"SEED={seed}; `make fuzz SEED={seed} KIND={kind}` tries the same cases", flush=True)
    began_s = time.monotonic()
    ended = 0
    with (
        tempfile.TemporaryDirectory(prefix="perf-pipeline-fuzz-") as folder,
        suppress(KeyboardInterrupt),  # as people end it; what they want to know is told below
    ):
        for number, case in islice(cases(seed, Path(folder), kind), most):
            if wrong := failure_of(case):
                print(f"case {number} of SEED={seed} KIND={kind}:\n{wrong}")
                return 1
            ended = number + 1
    print(f"{ended:,} cases in {time.monotonic() - began_s:.0f} s, each ended in a sentence")
    return 0


if __name__ == "__main__":
    seed_text, cases_text, kind_text = (*sys.argv[1:], "", "", "")[:3]
    most = int(cases_text) if cases_text else None
    sys.exit(main(int(seed_text or os.getpid()), most, kind_text))
