"""`init` writes a project that works, from what somebody gives; and nothing else."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.described_shop import (
    DESCRIPTION,
    PASSWORD,
    Shop,
    running_described_shop,
)
from perf_pipeline_tests.support.servers.recording import RecordedVisit
from perf_pipeline_tests.support.servers.stranger_server import running_stranger

READERS = "benchmarks.reads.scenarios.readers"
TOKEN = "t-0815-4711"


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path / "state"))


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with running_described_shop() as running:
        yield running


def files_below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_url_with_a_description_becomes_a_project_that_runs(
    command: CommandLine, tmp_path: Path, shop: Shop
) -> None:
    folder = tmp_path / "shop"

    made = command.here("init", str(folder), "--url", shop.base_url)
    profile = str(folder / "shop.toml")
    checked = command.here("check", profile, SHOP_TOKEN=TOKEN)
    shorter = ("--set", f"{READERS}.duration=2s", "--set", f"{READERS}.rate=5")
    ran = command("run", profile, *shorter, SHOP_TOKEN=TOKEN)

    assert (made.code, checked.code) == (0, 0), made.err + checked.err
    assert (
        "Set the environment variable SHOP_TOKEN: the token of Authorization: Bearer." in made.out
    )
    assert "In total: 122 requests in 61 iterations." in checked.out
    assert ran.code == command.code_of(ran.run_id), ran.err + ran.out
    assert command.passes_unless_held_up(ran.run_id)
    assert "Do 2 visits a second go through?" in ran.out
    assert set(shop.asked) == {
        "GET /openapi.json 200",
        "GET /api/products 200",
        "GET /api/products/4711 200",
    }


def test_every_file_of_the_project_is_there_and_is_what_it_says(
    command: CommandLine, tmp_path: Path, shop: Shop
) -> None:
    folder = tmp_path / "My Shop"

    command.here("init", str(folder), "--url", shop.base_url)

    files = files_below(folder)
    assert sorted(files) == [
        ".github/workflows/speed.yml",
        ".gitignore",
        "README.md",
        "dagster.yaml",
        "my-shop.toml",
        "my_shop_speed/__init__.py",
        "my_shop_speed/definitions.py",
        "my_shop_speed/defs/speed/defs.yaml",
        "pyproject.toml",
        "scenarios.py",
        "workspace.yaml",
    ]
    assert "$ perf-pipeline run my-shop.toml" in files["README.md"]
    assert "| `MY_SHOP_TOKEN` |" in files["README.md"]
    assert "extends" not in files["my-shop.toml"]
    assert yaml.safe_load(files["my_shop_speed/defs/speed/defs.yaml"]) == {
        "type": "perf_pipeline.PerfPipeline",
        "attributes": {"profiles": ["../../../my-shop.toml"]},
    }
    for name in files:
        if name.endswith(".py"):
            compile(files[name], name, "exec")


def test_the_workflow_gives_each_secret_and_pastes_nothing_into_a_script(
    command: CommandLine, tmp_path: Path, shop: Shop
) -> None:
    command.here("init", str(tmp_path / "shop"), "--url", shop.base_url)

    text = (tmp_path / "shop/.github/workflows/speed.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    steps = workflow["jobs"]["speed"]["steps"]
    measured = next(step for step in steps if step.get("name") == "Measure and judge")
    scripts = [step["run"] for step in steps if "run" in step]

    assert measured["env"] == {
        "SHOP_TOKEN": "${{ secrets.SHOP_TOKEN }}",
        "SHOP_PASSWORD": "${{ secrets.SHOP_PASSWORD }}",
    }
    assert workflow["permissions"] == {"contents": "read"}
    assert [script for script in scripts if "${{" in script] == []
    assert all(
        re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"]) for step in steps if "uses" in step
    )
    for script in scripts:
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_a_url_without_a_description_begins_with_its_page(
    command: CommandLine, tmp_path: Path
) -> None:
    with running_stranger() as stranger:
        made = command.here("init", str(tmp_path / "shop"), "--url", f"{stranger.base_url}/orders")
        missing = command.here("init", str(tmp_path / "other"), "--url", stranger.base_url)

        asked = dict(stranger.asked)
    profile = (tmp_path / "shop" / "shop.toml").read_text(encoding="utf-8")
    assert made.code == 0, made.err
    assert 'path = "/orders"\nexpect = {status = 200}\n' in profile
    assert command.here("check", str(tmp_path / "shop" / "shop.toml")).code == 0
    assert missing.code == 104
    assert "GET http://" in missing.err
    assert "answered 404" in missing.err
    assert "and --har FILE a visit that begins with a login" in missing.err
    assert not (tmp_path / "other").exists()
    assert asked == {
        "GET /orders/openapi.json": 1,
        "GET /openapi.json": 2,
        "GET /orders": 1,
        "GET /": 1,
    }


def test_a_description_in_a_file_needs_an_address(command: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(DESCRIPTION), encoding="utf-8")
    folder = tmp_path / "shop"

    refused = command.here("init", str(folder), "--openapi", str(file))
    made = command.here(
        "init", str(folder), "--openapi", str(file), "--url", "http://staging.example:8080"
    )

    profile = (folder / "shop.toml").read_text(encoding="utf-8")
    assert refused.code == 104
    assert "api.json does not say where the API is; add --url" in refused.err
    assert made.code == 0, made.err
    assert 'baseUrl = "http://staging.example:8080/api"\nallowed = ["staging.example"]\n' in profile
    assert command.here("check", str(folder / "shop.toml"), SHOP_TOKEN=TOKEN).code == 0


def test_a_recorded_visit_is_made_again_with_ids_of_its_own(
    command: CommandLine, tmp_path: Path, shop: Shop
) -> None:
    file, folder = tmp_path / "visit.har", tmp_path / "shop"
    har, token = recorded_visit(shop)
    file.write_text(har, encoding="utf-8")
    shop.asked.clear()

    made = command.here("init", str(folder), "--har", str(file), "--rate", "5")
    length = ("--set", "benchmarks.visits.scenarios.visitors.duration=2s")
    ran = command("run", str(folder / "shop.toml"), *length, SHOP_PASSWORD=PASSWORD)

    written = "".join(files_below(folder).values())
    assert made.code == 0, made.err
    assert [secret for secret in (PASSWORD, token) if secret in written] == []
    assert ran.code == command.code_of(ran.run_id), ran.err + ran.out
    assert command.passes_unless_held_up(ran.run_id)
    assert set(shop.asked) == {
        "GET / 200",
        "POST /api/login 200",
        "GET /api/products 200",
        "GET /api/products/4712 200",
        "POST /api/carts 201",
        "POST /api/orders 201",
        "GET /api/orders/ID 200",
    }


def recorded_visit(shop: Shop) -> tuple[str, str]:
    """Buy a chair; give the recording, and the token that it holds."""
    visit = RecordedVisit(shop.base_url)
    visit.ask("GET", "/", {})
    visit.ask("GET", "/style.css", {})
    who = {"email": "ann@example.org", "password": PASSWORD}
    token = visit.ask("POST", "/api/login", {}, json=who)["access_token"]
    proof = {"Authorization": f"Bearer {token}"}
    chair = visit.ask("GET", "/api/products", proof)[1]["id"]
    visit.pause(0.2)
    visit.ask("GET", f"/api/products/{chair}", proof)
    cart = visit.ask("POST", "/api/carts", proof, json={"productId": chair})["cartId"]
    order = visit.ask("POST", "/api/orders", proof, json={"cart": cart})["order"]["number"]
    visit.ask("GET", f"/api/orders/{order}", proof)
    visit.close()
    return json.dumps(visit.har), token


def test_several_sources_at_once_are_refused(command: CommandLine, tmp_path: Path) -> None:
    file = str(tmp_path / "x.har")

    refused = command.here("init", str(tmp_path / "shop"), "--har", file, "--curl", "curl h")

    assert refused.code == 104
    assert "--openapi, --har and --curl are different sources; keep one" in refused.err


def test_a_folder_with_files_is_left_as_it_is(
    command: CommandLine, tmp_path: Path, shop: Shop
) -> None:
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    before = files_below(tmp_path)

    refused = command.here("init", str(tmp_path), "--url", shop.base_url)

    assert refused.code == 104
    assert f"{tmp_path} holds files already (README.md), so nothing was written" in refused.err
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("http://127.0.0.1:1", 97, "GET http://127.0.0.1:1/openapi.json got no answer"),
        ("127.0.0.1:8080", 104, "has no scheme; write http://host:port"),
        ("ftp://127.0.0.1", 104, "only http:// and https:// can be loaded"),
        ("http://bob:s3cretword@127.0.0.1", 104, "holds a user name; leave it out"),
    ],
)
def test_an_address_that_leads_nowhere_is_told(
    command: CommandLine, tmp_path: Path, url: str, code: int, told: str
) -> None:
    refused = command.here("init", str(tmp_path / "shop"), "--url", url)

    assert refused.code == code, refused.err
    assert told in refused.err
    assert "s3cretword" not in refused.err
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize("arguments", [(), ("shop",), ("--url", "http://127.0.0.1:1")])
def test_without_a_terminal_nothing_is_asked(
    command: CommandLine, arguments: tuple[str, ...]
) -> None:
    refused = command.here("init", *arguments)

    assert refused.code == 104
    assert "there is no terminal to ask on; write perf-pipeline init FOLDER --url" in refused.err


def test_on_a_terminal_three_questions_are_enough(tmp_path: Path, shop: Shop) -> None:
    ours, theirs = pty.openpty()
    program = Path(sys.executable).with_name("perf-pipeline")
    with started(
        [str(program), "init"], stdin=theirs, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        os.write(ours, f"{shop.base_url}\nmine\n7\n".encode())
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)

    assert process.returncode == 0, out
    assert [out.count(asked) for asked in ("Where is", "Into which", "How many")] == [1, 1, 1]
    assert "rate = 7" in (tmp_path / "mine" / "mine.toml").read_text(encoding="utf-8")
