"""Files in the current folder that have a module's name are somebody else's, and not imported."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from perf_pipeline_tests.support.commands.command_line import without_target
from perf_pipeline_tests.support.servers.shop_server import running_shop

SCENARIO: Final = """
from perf_pipeline.scenario import VU, scenario


@scenario(checks=("ok",))
async def go(vu: VU) -> None:
    import json, random  # once more, when the folder is known
    response = await vu.client.get("/echo", extensions={"name": "x"})
    vu.check("ok", response.status_code == 200)
"""
PROFILE: Final = """
name = "shadowed"
workers = 1
calibration = false
[benchmarks.own.scenarios.s]
exec = "own_shadowed:go"
executor = "per-vu-iterations"
iterations = 5
[benchmarks.own.thresholds]
checks = ["rate==1"]
http_reqs = ["count>1"]
"""
MODULES: Final = (
    "signal",
    "json",
    "random",
    "asyncio",
    "duckdb",
    "uvloop",
    "httpx",
    "numpy",
    "ast",
)


def test_files_beside_a_profile_with_a_modules_name_are_not_imported(tmp_path: Path) -> None:
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text("raise ImportError('mine')\n", encoding="utf-8")
    product = tmp_path / "perf_pipeline" / "engine"
    product.mkdir(parents=True)
    for file in (product.parent / "__init__.py", product / "__init__.py"):
        file.touch()
    (product / "worker.py").write_text("raise SystemExit('mine')\n", encoding="utf-8")
    (tmp_path / "own_shadowed.py").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "own.toml").write_text(PROFILE, encoding="utf-8")

    with running_shop() as port:
        answer = subprocess.run(
            [Path(sys.executable).with_name("perf-pipeline"), "run", "--profile", "own.toml"],
            cwd=tmp_path,
            env={**without_target(), "PERF_BASE_URL": f"http://127.0.0.1:{port}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=80,
        )

    # On a busy machine a load may be INVALID; what it did must be right all the same.
    assert answer.returncode in {0, 97}, answer.stderr
    assert "mine" not in answer.stderr + answer.stdout
    assert "checks" in answer.stdout
    assert [*tmp_path.glob(".perf/spool/*/own/samples-*")], answer.stderr
    assert "ended" not in answer.stderr
