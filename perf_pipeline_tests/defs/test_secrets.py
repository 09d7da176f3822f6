"""No secret is in Dagster's event log, metadata or run config, whatever is raised."""

from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.definitions import defs
from perf_pipeline.loading.locks import LOCK_FOLDER_VARIABLE
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.telltale_server import running_telltale, spellings

TOKEN = "tok-8f3a/§'x<y>&\"z\\q=="
DSN = r"host=127.0.0.1 port=1 user=u dbname=d password='dsn-41f0 \'x'"
PASSWORD = "dsn-41f0 'x"
PROFILE = """
name = "secrets"
workers = 1
calibration = false
seeding.users = 10
[benchmarks.api_user_creation.scenarios.create_users]
exec = "telltale:raising"
executor = "per-vu-iterations"
vus = 1
iterations = 2
parameters = { secrets = ["T_TOKEN"] }
[benchmarks.api_user_creation.thresholds]
http_req_failed = ["rate<0.01"]
"""
CODE = """
import os
async def raising(vu):
    await vu.client.get("/refused/x", headers={"X-Key": "1"})
    raise ValueError(vu.secrets["T_TOKEN"], repr(vu.secrets["T_TOKEN"]))
"""


@pytest.mark.timeout(180)
def test_no_secret_is_in_anything_that_dagster_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "telltale.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "secrets.toml").write_text(PROFILE, encoding="utf-8")
    state = new_state(tmp_path / "state")
    monkeypatch.setenv("T_TOKEN", TOKEN)
    monkeypatch.setenv(LOCK_FOLDER_VARIABLE, str(state))
    config = {"profile": str(tmp_path / "secrets.toml"), "state": str(state)}
    with running_telltale() as base_url, dg.DagsterInstance.local_temp(str(state)) as instance:
        monkeypatch.setenv("PERF_BASE_URL", base_url)
        for dsn, asset in (("", "api_user_creation"), (DSN, "seeded_users")):
            monkeypatch.setenv("PERF_POSTGRES_DSN", dsn)
            result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
                asset_selection=[dg.AssetKey(asset)],
                run_config={"resources": {"perf_run": {"config": config}}},
                instance=instance,
                raise_on_error=False,
            )
            assert result.all_events

    texts = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    output = capfd.readouterr()
    texts |= {"output": f"{output.out}{output.err}".encode()}
    assert any("worker-0.log" in path for path in texts)
    assert any(path.endswith(".db") for path in texts)
    found = [
        f"{path}: {name}"
        for path, content in texts.items()
        for secret in (TOKEN, PASSWORD)
        for name, spelt in spellings(secret).items()
        if spelt in content
    ]
    assert found == []
