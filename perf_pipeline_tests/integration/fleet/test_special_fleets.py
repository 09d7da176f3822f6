"""Loads of fleets of their own: another clock, encryption, a scheduler that is gone."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import dask
import pytest
from distributed import Client

from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.fleet.dask_engine import dask_engine
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.fleets import loopback_fleet, tls_variables
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario
from perf_pipeline_tests.support.servers.certificates import authority, signed

RATE = {"executor": "constant-arrival-rate", "rate": 100, "duration": "1s", "preAllocatedVUs": 9}
OFF_S = 1_000


def _has_time_namespaces() -> bool:
    unshare = shutil.which("unshare")
    command = [str(unshare), "--time", "--monotonic", str(OFF_S), "--fork", "true"]
    return (
        bool(unshare) and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not _has_time_namespaces(), reason="needs root's `unshare --time`")
def test_a_host_whose_clock_is_another_one_keeps_the_plan_of_the_driver(tmp_path: Path) -> None:
    before = ("unshare", "--time", "--monotonic", str(OFF_S), "--fork", "--kill-child")
    with loopback_fleet(("127.0.0.2",), before=before) as away, away.started(1) as start:
        origin_ns = time.monotonic_ns()
        job = job_of(tmp_path, scenario("Sleeper", RATE), workers=1)
        outcome = load(job, start=start, apart=True, origin_ns=origin_ns)
        ended_us = (time.monotonic_ns() - origin_ns) / 1_000

    rows = samples(tmp_path)
    assert outcome.health.figures["clock_error_ms"] < 50
    assert rows
    for row in rows:  # in the driver's time, and not 1,000 s from it
        assert 0 < int(row["started_us"]) < int(row["ended_us"]) < ended_us


def test_a_fleet_with_certificates_has_all_of_a_load_encrypted(tmp_path: Path) -> None:
    trusted, certificate = authority(tmp_path, "ours"), signed(tmp_path, "host", "ours")
    key = tmp_path / "host.key"
    files = tls_variables(trusted, certificate, key)
    ours = {"ca-file": trusted, "client.cert": certificate, "client.key": key}
    (tmp_path / "load").mkdir()
    job = job_of(tmp_path / "load", scenario("Sleeper", RATE), workers=1)
    with (
        loopback_fleet(("127.0.0.2",), environment=files) as encrypted,
        dask.config.set({f"distributed.comm.tls.{name}": str(ours[name]) for name in ours}),
    ):
        with encrypted.started(1) as start:
            outcome = load(job, start=start, apart=True)
        with dask_engine(FleetConfig(address=encrypted.address)) as engine:
            ((_, link),) = engine.links(1)
            link.close()

    assert encrypted.address.startswith("tls://")
    assert link.is_encrypted
    assert outcome.health.valid
    assert len(samples(tmp_path / "load")) == outcome.scenarios[0].iterations > 0


def test_a_scheduler_that_is_gone_is_told_in_a_sentence() -> None:
    with (
        loopback_fleet(("127.0.0.2",)) as lost,
        dask_engine(FleetConfig(address=lost.address)) as engine,
    ):
        lost.process.kill()
        with pytest.raises(GeneratorLimitError) as raised:
            engine.links(1)

    assert raised.value.sentence.startswith(f"the fleet at {lost.address} does not answer any more")


def test_a_host_that_came_or_went_since_the_hosts_were_asked_loads_nothing() -> None:
    with (
        loopback_fleet(("127.0.0.2",)) as fleet,
        dask_engine(FleetConfig(address=fleet.address)) as engine,
        Client(fleet.address, set_as_default=False) as watching,  # type: ignore[no-untyped-call]
    ):
        engine.facts(())
        command = [sys.executable, "-m", "distributed.cli.dask_worker", fleet.address]
        come = subprocess.Popen([*command, "--host", "127.0.0.3", "--no-nanny", "--no-dashboard"])
        try:
            wait_until(lambda: len(watching.nthreads()) == 2)
            links = list(engine.links(2))
            engine.facts(())
        finally:
            come.kill()
            come.wait()
        wait_until(lambda: len(watching.nthreads()) == 1)
        with pytest.raises(GeneratorLimitError) as raised:
            engine.links(2)
        for _, link in links:
            link.close()

    assert raised.value.sentence.endswith("since they were asked, on 127.0.0.3")
    assert [host for host, _ in links] == ["127.0.0.2", "127.0.0.2"]
