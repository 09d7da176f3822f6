"""Reports are served to this machine, and nothing else: no other file, no list, no other host."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perf_pipeline.stack.report_files import served_reports


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    report = tmp_path / "reports" / "r1" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>all well</p>")
    (report.parent / "notes.txt").write_text("private")
    (tmp_path / "secret.json").write_text("{}")
    (report.parent / "link.json").symlink_to(tmp_path / "secret.json")
    with served_reports(tmp_path / "reports", 0) as base_url:
        yield base_url


def test_a_report_opens(address: str) -> None:
    answer = httpx.get(f"{address}/r1/report.html?x=1#walk")

    assert (answer.status_code, answer.text) == (200, "<p>all well</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    ["/", "/r1/", "/r1/notes.txt", "/r1/link.json", "/%2e%2e/secret.json", "/r1/%00.html", "/r2/x"],
)
def test_nothing_else_is_given_out(address: str, path: str) -> None:
    assert httpx.get(f"{address}{path}").status_code == 404


def test_who_asks_for_another_host_gets_nothing(address: str) -> None:
    answer = httpx.get(f"{address}/r1/report.html", headers={"Host": "rebound.example"})

    assert answer.status_code == 403
    assert "well" not in answer.text


def test_another_port_is_taken_where_the_first_is_in_use(tmp_path: Path, address: str) -> None:
    taken = int(address.rpartition(":")[2])

    with served_reports(tmp_path / "reports", taken) as other:
        assert other != address
        assert httpx.get(f"{other}/r1/report.html").status_code == 200
