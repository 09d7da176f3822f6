"""Break each part of the reference system in each way, and print what the load felt of it.

    python -m perf_pipeline_tests.benchmarks.bench_faults [--for 5] [--rate 50] [KIND:PART …]

A kind without a part is written alone: leader_change. With --brokers 3 all runs have three.
Each fault has a run of its own: 15 s of load before it, and as much after its undo as --after says.
docs/faults.md has a table of it. Add here: a fault. Keep out: bounds (that is for tests).
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf_pipeline_tests.support.histories.queries import query_snapshot

ALL: Final = tuple(
    f"{kind}:{part}"
    for part in ("api", "worker", "relay", "postgres", "broker", "redis")
    for kind in ("kill", "stop", "pause", "restart")
)
_BEFORE_S: Final = 15
_PROFILE: Final = """
extends = "quick"
name = "faults"
workers = 1
brokers = {brokers}
calibration = false
[benchmarks.end_to_end]
drainTimeout = "90s"
faults = [{{ at = "{before}s", kind = "{kind}"{part}{lasts} }}]
[benchmarks.end_to_end.scenarios.create_users]
rate = {rate}
duration = "{seconds}s"
warmUp = "3s"
"""
_STORY: Final = """
select (undo_us - injected_us) / 1e6, (undone_us - undo_us) / 1e6,
    (effect_us - injected_us) / 1e6, (recovered_us - injected_us) / 1e6, within_us / 1e6
from faults
"""
_WHOLE: Final = "select name, value from figures where operation = ''"
_FIGURES: Final = (
    "fault_failed", "fault_slow", "fault_dropped", "fault_backlog_peak", "messages_lost",
    "messages_duplicated",
)  # fmt: skip


def measure(kind: str, part: str, *, lasts_s: int, rate: int, after_s: int, brokers: int) -> str:
    """Run one fault, and return its row of the table."""
    lasting = lasts_s if kind != "restart" else 0
    text = _PROFILE.format(
        before=_BEFORE_S,
        kind=kind,
        part=f', part = "{part}"' if part else "",
        lasts=f', for = "{lasting}s"' if lasting else "",
        rate=rate,
        brokers=brokers,
        seconds=_BEFORE_S + lasting + after_s,
    )
    with TemporaryDirectory(prefix="bench-faults-") as folder:
        profile = Path(folder) / "faults.toml"
        profile.write_text(text, encoding="utf-8")
        state = Path(folder) / "state"
        command = [sys.executable, "-m", "perf_pipeline", "--state", str(state)]
        done = subprocess.run(
            [*command, "run", str(profile), "--only", "end_to_end"],
            check=False,
            capture_output=True,
            text=True,
        )
        history = state / "history.duckdb"
        stories = query_snapshot(history, _STORY)[1]
        found = {row[0]: row[1] for row in query_snapshot(history, _WHOLE)[1]}
    verdict = re.findall(r"^(?:PASS|FAIL|NOT MEASURED).*$", done.stdout, re.MULTILINE)
    cells = [_shown(value) for value in stories[0]] if stories else ["-"] * 5
    figures = [f"{found[name]:.0f}" if name in found else "-" for name in _FIGURES]
    return f"| {kind} {part} | {' | '.join(cells)} | {' | '.join(figures)} | {verdict[-1:]} |"


def _shown(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else "-"


def main(words: Sequence[str] | None = None) -> None:
    """Print a row for each fault as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", default=ALL)
    parser.add_argument("--for", dest="lasts", type=int, default=5)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--after", type=int, default=30)
    parser.add_argument("--brokers", type=int, default=1)
    asked = parser.parse_args(words)
    titles = ("lasted s", "undo s", "effect s", "recovery s", "± s", *_FIGURES, "verdict")
    print(f"| fault | {' | '.join(titles)} |\n|{' --- |' * (len(titles) + 1)}")
    for fault in asked.faults:
        kind, _, part = fault.partition(":")
        row = measure(
            kind,
            part,
            lasts_s=asked.lasts,
            rate=asked.rate,
            after_s=asked.after,
            brokers=asked.brokers,
        )
        print(row, flush=True)


if __name__ == "__main__":
    main()
