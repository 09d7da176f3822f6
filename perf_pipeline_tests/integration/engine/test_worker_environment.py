"""What a load worker inherits: everything but addresses with passwords, and assertions stay on."""

from pathlib import Path

import pytest

from perf_pipeline.engine.worker_process import WorkerProcess
from perf_pipeline.secrecy.known import KNOWN

DSN = "postgresql://app:w0rker-s3cret@127.0.0.1/app"


def environment_of(pid: int) -> dict[str, str]:
    """Read the environment that a process was started with."""
    raw = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0")
    return dict(pair.partition("=")[::2] for pair in raw.split("\0"))


def test_a_worker_has_no_address_with_a_password_and_keeps_its_assertions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python leaves out every assert of people's scenarios where PYTHONOPTIMIZE is set."""
    KNOWN.add_address(DSN)
    for name, value in {
        "PERF_POSTGRES_DSN": DSN,
        "PYTHONOPTIMIZE": "2",
        "PGPASSWORD": "libpq-of-the-w0rker",
        "OF_THE_SCENARIO": "kept",
    }.items():
        monkeypatch.setenv(name, value)

    worker = WorkerProcess(0, tmp_path, {})
    try:
        inherited = environment_of(worker.pid)
    finally:
        worker.close()

    assert "w0rker-s3cret" not in str(inherited)
    assert "PYTHONOPTIMIZE" not in inherited
    assert inherited["PGPASSWORD"] == "libpq-of-the-w0rker"
    assert inherited["OF_THE_SCENARIO"] == "kept"
    assert "PATH" in inherited
