"""What a command imports before it answers: SciPy's functions, and not all of its package."""

import json
import subprocess
import sys
from typing import Final

_SLOW: Final = ("scipy.special", "numpy.f2py", "numpy.testing", "scipy._lib._array_api")
_ALONE: Final = f"""
import json, sys
from perf_pipeline.analysis.special import special

alone = special()
early = sorted(set({_SLOW}) & set(sys.modules))
import scipy.special as whole

calls = [("stdtr", n / 7, z / 10) for n in range(1, 300, 13) for z in range(-60, 61, 7)]
calls += [("stdtrit", n, p / 1000) for n in range(1, 70) for p in (1, 200, 800, 990, 999)]
calls += [("betainc", a, b, x / 20) for a in (1, 2, 30) for b in (1, 9.5, 400) for x in range(21)]
calls += [("betaincinv", a, b, 0.95) for a in (1, 2, 9) for b in (1, 30, 900)]
calls += [("bdtrc", k, n, 0.5) for n in (6, 40, 400) for k in (0, 2, 5)]
other = [
    call for call in calls
    if float(getattr(alone, call[0])(*call[1:])) != float(getattr(whole, call[0])(*call[1:]))
]
print(json.dumps([early, len(calls), other]))
"""
_IMPORTS: Final = """
import json, sys
import perf_pipeline.judging.compare, perf_pipeline.judging.judge, perf_pipeline.judging.backtest
from perf_pipeline.cli.main import main

print(json.dumps(sorted({"numpy", "scipy", "jinja2", "rich", "dagster"} & set(sys.modules))))
"""


def _answer(code: str) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    found: list[object] = json.loads(done.stdout)
    return found


def test_functions_alone_are_those_of_the_package_to_the_last_bit() -> None:
    early, calls, other = _answer(_ALONE)

    assert early == []
    assert calls == 23 * 18 + 69 * 5 + 3 * 3 * 21 + 9 + 9
    assert other == []


def test_what_compares_imports_what_computes_and_draws_only_when_it_is_needed() -> None:
    assert _answer(_IMPORTS) == []
