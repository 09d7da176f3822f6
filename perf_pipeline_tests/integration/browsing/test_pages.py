"""The pages of a history: runs, reports and comparisons, for who has the token, and read only."""

import asyncio
import signal
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from perf_pipeline.browsing.door import Door
from perf_pipeline.browsing.server import BrowsingServer
from perf_pipeline.browsing.shown_history import ShownHistory, shown_place, shown_state
from perf_pipeline.stack.service import free_port
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import CommandLine, wait_until
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.synthetic_history import api_runs
from perf_pipeline_tests.support.servers.s3_server import s3_server

TOKEN = "a-token-that-nobody-guesses"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a history of three judged runs."""
    folder = tmp_path_factory.mktemp("shown")
    add_judged(folder, api_runs(80.0, 81.0, 82.0))
    return folder


def ask(
    shown: ShownHistory,
    *requests: tuple[str, str, Mapping[str, str]],
    behind: str = "",
    data: str = "",
    at: str = "http://127.0.0.1:8123",
) -> list[httpx.Response]:
    """Ask the pages one thing after another, as one browser, which keeps its cookies."""
    app = BrowsingServer(shown, Door(TOKEN, 8123, behind), "the team's history").app()

    async def answers() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=at) as client:
            return [
                await client.request(method, path, headers=dict(headers), content=data)
                for method, path, headers in requests
            ]

    return asyncio.run(answers())


def test_the_pages_are_the_list_the_reports_and_two_runs_compared(
    state: Path, tmp_path: Path
) -> None:
    shown = shown_state(State(state), tmp_path)
    before = sha256((state / "history.duckdb").read_bytes()).hexdigest()
    runs, report, compared, gone = ask(
        shown,
        ("GET", "/", BEARER),
        ("GET", "/runs/r003", BEARER),
        ("GET", "/compare?a=r001&b=r003", BEARER),
        ("GET", "/runs/nosuch", BEARER),
    )

    assert [answer.status_code for answer in (runs, report, compared, gone)] == [200] * 3 + [404]
    assert runs.text.index("runs/r003") < runs.text.index("runs/r001")
    assert 'href="runs/r003#over-the-runs">Trends of quick' in runs.text
    assert "<h1>" in report.text
    assert "r003" in report.text
    assert "Two runs compared" in compared.text
    assert "run 'nosuch' is not in the history" in gone.text
    assert sha256((state / "history.duckdb").read_bytes()).hexdigest() == before


def _but_for_files(page: str) -> str:
    """Leave out the last section, which says where the report's files are."""
    return page.partition('<section id="environment"')[0]


def test_a_report_is_the_same_page_as_the_file(state: Path, tmp_path: Path) -> None:
    CommandLine(state).here("report", "r003")
    written = (state / "reports" / "r003" / "report.html").read_text(encoding="utf-8")
    [served] = ask(shown_state(State(state), tmp_path), ("GET", "/runs/r003", BEARER))

    assert _but_for_files(served.text) == _but_for_files(written)


@pytest.mark.parametrize("path", ["/", "/runs/r001", "/compare?a=r001&b=r002"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer another"},
        {"authorization": TOKEN},
        {"cookie": f"perf_pipeline_8123={TOKEN}"},
    ],
    ids=["none", "another", "no bearer", "the token as cookie"],
)
def test_nobody_without_the_token_sees_a_run(
    state: Path, tmp_path: Path, path: str, headers: Mapping[str, str]
) -> None:
    [answer] = ask(shown_state(State(state), tmp_path), ("GET", path, headers))

    assert answer.status_code == 401
    assert "r001" not in answer.text
    assert 'type="password"' in answer.text


def test_the_token_opens_the_door_once_and_the_cookie_keeps_it_open(
    state: Path, tmp_path: Path
) -> None:
    wrong, right, inside = ask(
        shown_state(State(state), tmp_path),
        ("GET", "/enter/another", {}),
        ("POST", "/enter", {}),
        ("GET", "/", {}),
        data=f"token={TOKEN}",
    )

    assert wrong.status_code == 403
    assert "That is not the token." in wrong.text
    assert (right.status_code, right.headers["location"]) == (303, "./")
    cookie = right.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert inside.status_code == 200


def test_only_the_addresses_that_are_meant_are_answered(state: Path, tmp_path: Path) -> None:
    shown = shown_state(State(state), tmp_path)
    look = ("GET", "/", BEARER)
    [rebound] = ask(shown, look, at="http://attacker.example:8123")
    [proxied] = ask(
        shown, look, behind="https://speed.example.org/x", at="https://speed.example.org"
    )
    [entered] = ask(
        shown,
        ("POST", "/enter", {}),
        behind="https://speed.example.org",
        at="https://speed.example.org",
        data=f"token={TOKEN}",
    )

    assert (rebound.status_code, proxied.status_code) == (403, 200)
    assert "r001" not in rebound.text
    assert "Secure" in entered.headers["set-cookie"]


def test_what_a_team_pushed_is_shown_without_a_history_here(state: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "place")
    CommandLine(state).here("push", place)
    [runs] = ask(shown_place(place, tmp_path / "copy"), ("GET", "/", BEARER))

    assert runs.status_code == 200
    assert "runs/r002" in runs.text


def test_what_a_team_pushed_to_a_bucket_is_shown_and_what_comes_later_as_well(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(tmp_path / "s3") as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        CommandLine(state).here("push", bucket.url, "--run", "r001")
        shown = shown_place(bucket.url, tmp_path / "copy")
        [first] = ask(shown, ("GET", "/", BEARER))
        CommandLine(state).here("push", bucket.url)
        later, report = ask(
            shown_place(bucket.url, tmp_path / "copy"),
            ("GET", "/", BEARER),
            ("GET", "/runs/r003", BEARER),
        )

    assert [answer.status_code for answer in (first, later, report)] == [200, 200, 200]
    assert "runs/r001" in first.text
    assert "runs/r003" not in first.text
    assert "runs/r003" in later.text


def test_the_command_serves_until_it_is_ended_and_tells_no_token(state: Path) -> None:
    port = free_port()
    running = CommandLine(state).begin("serve", "--port", str(port), PERF_SERVE_TOKEN=TOKEN)
    address = f"http://127.0.0.1:{port}/"

    def answers() -> bool:
        try:
            return httpx.get(address, headers=BEARER).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers)
    running.send(signal.SIGTERM)
    ended = running.answer()

    assert (ended.code, ended.out) == (0, f"{address}\n")
    assert TOKEN not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "token", "told"),
    [
        (["--behind", "https://speed.example.org"], "", "--behind needs a token that readers know"),
        (["--behind", "speed.example.org"], TOKEN, "--behind is no address such as"),
        ([], "t00-few", "PERF_SERVE_TOKEN must be at least 16 letters and digits"),
    ],
)
def test_a_door_that_would_stand_open_is_refused(
    state: Path, arguments: list[str], token: str, told: str
) -> None:
    answer = CommandLine(state).here("serve", *arguments, PERF_SERVE_TOKEN=token)

    assert told in answer.err
    assert answer.code in {2, 104}
