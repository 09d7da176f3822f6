"""The pages of docs/ say what the code does: generated parts, examples, links, variables.

Add here: a claim of a page that can be held against the code. Keep out: the code's own tests.
"""

import configparser
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from perf_pipeline.cli.main import STATE_VARIABLE
from perf_pipeline.config.loading import (
    describe_profile,
    load_profile,
    parse_overrides,
    validate_profile,
)
from perf_pipeline.config.questions import answering
from perf_pipeline.errors import ProfileError
from perf_pipeline.metrics.statistic import COMPARED
from perf_pipeline_tests.docs.generate import DOCS, ROOT, commands, parts, parts_of, renew
from perf_pipeline_tests.support.pages import blocks
from perf_pipeline_tests.support.refused_profiles import LOOK, STEP, shop

PAGES = sorted(DOCS.glob("*.md"))
PROSE = [*PAGES, *sorted((DOCS / "decisions").glob("*.md")), ROOT / "CONTRIBUTING.md"]
RENEW = "python -m perf_pipeline_tests.docs.generate renews it"
# Inherited by processes that we start ourselves; nobody sets them.
_WHOLE = re.DOTALL | re.MULTILINE
INTERNAL_VARIABLES = {
    "PERF_DAGSTER_TEMPORARY_STORAGE",
    "PERF_PIPELINE_STACK",
    "PERF_TOPIC_COPIES_BROKERS",
}


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return parts()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_generated_parts_of_a_page_are_what_the_code_says(
    path: Path, made: dict[str, str]
) -> None:
    assert text(path) == renew(text(path), made), f"{path.name} is behind the code; {RENEW}"


def test_every_generated_part_stands_on_a_page(made: dict[str, str]) -> None:
    assert {name for path in PAGES for name in parts_of(text(path))} == set(made)


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text(path))

    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", [*PROSE, ROOT / "README.md"], ids=lambda path: path.name)
def test_every_link_to_a_place_on_a_page_leads_to_a_heading(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#\s]*)#([^)\s]+)\)", text(path))

    dead = [
        f"{page}#{place}"
        for page, place in links
        if place not in places_of(path.parent / page if page else path)
    ]
    assert dead == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_no_link_leads_to_a_folder_which_the_site_does_not_list(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text(path))

    assert [target for target in targets if (path.parent / target).is_dir()] == []


@cache
def places_of(page: Path) -> frozenset[str]:
    """Give the names of a page's headings, as GitHub and the site make them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text(page), flags=_WHOLE), re.MULTILINE
    )
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return frozenset(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in plain)


def test_every_picture_is_small_and_shown_on_a_page() -> None:
    shown = {
        (path.parent / target).resolve()
        for path in [*PROSE, ROOT / "README.md"]
        for target in re.findall(r"!\[[^\]]+\]\((?!https?://)([^)\s]+)\)", text(path))
    }

    assert shown == set((DOCS / "pictures").iterdir())
    assert [path.name for path in shown if path.stat().st_size > 100_000] == []


def test_every_environment_variable_is_on_the_page_of_the_command_line() -> None:
    code = "".join(map(text, [*(ROOT / "perf_pipeline").rglob("*.py"), ROOT / "dagster.yaml"]))
    read = set(re.findall(r'"(PERF_[A-Z_]+)"', code))
    told = set(re.findall(r"^\| `(PERF_[A-Z_]+)`", text(DOCS / "cli.md"), re.MULTILINE))

    assert STATE_VARIABLE in told
    assert read - INTERNAL_VARIABLES <= told
    assert told <= set(re.findall(r"PERF_[A-Z_]+", code))


def test_the_profile_that_the_page_shows_is_accepted(tmp_path: Path) -> None:
    good, *_ = blocks("profiles.md", "toml")
    (tmp_path / "night.toml").write_text(good, encoding="utf-8")

    profile = load_profile(str(tmp_path / "night.toml"))

    assert profile.name == "night"
    assert profile.targets["staging"].allowed == ("staging.example",)


def test_the_mistakes_that_the_page_shows_are_those_that_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bad, *_ = blocks("profiles.md", "toml")
    [told] = blocks("profiles.md", "text")
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(bad, encoding="utf-8")

    with pytest.raises(ProfileError) as refusal:
        load_profile("bad.toml")

    assert str(refusal.value) == told.rstrip()


def test_the_curve_that_the_page_shows_is_a_day_in_24_minutes(tmp_path: Path) -> None:
    *_, curve = blocks("profiles.md", "toml")
    (tmp_path / "day.csv").write_text("at,per_s\n00:00,4\n12:00,30.5\n", encoding="utf-8")
    scenario = f'[benchmarks.shop.scenarios.day]\nexec = "shop:visit"\n{curve}'
    (tmp_path / "day.toml").write_text(f'name = "day"\n{scenario}', encoding="utf-8")

    profile = describe_profile(str(tmp_path / "day.toml"))

    plan = profile.benchmarks["shop"].scenarios["day"].plan
    assert plan.length_us == 24 * 60 * 1_000_000
    # A mean of 17.25/s for 86,400 s, of which a tenth.
    assert plan.most_starts == pytest.approx(149_040, abs=1)


def test_the_question_that_the_page_shows_is_answered_by_its_thresholds() -> None:
    *_, shown, _ = blocks("profiles.md", "toml")
    question = tomllib.loads(shown)
    asked = question["question"]["thresholds"]["orders"]
    look = {**LOOK, "parameters": {"steps": [{**STEP, "name": "pay"}]}}
    thresholds = {key: ["p(95)<500" if "duration" in key else "rate<0.01"] for key in asked}

    profile = validate_profile({**shop(look, thresholds=thresholds), **question}, "shop.toml")

    assert answering(profile) == tuple(("orders", key) for key in asked)
    assert len(asked) == 2


def test_the_thresholds_that_the_page_shows_are_accepted(tmp_path: Path) -> None:
    example, _ = blocks("thresholds.md", "toml")
    (tmp_path / "promises.toml").write_text(example, encoding="utf-8")

    config = load_profile(str(tmp_path / "promises.toml")).benchmarks["end_to_end"]

    told = tomllib.loads(example)["benchmarks"]["end_to_end"]["thresholds"]
    assert {threshold.key for threshold in config.parsed_thresholds()} >= set(told)
    assert [
        threshold.source for threshold in config.parsed_thresholds() if threshold.abort_on_fail
    ] == ["p(95)<5000"]


def test_the_tags_of_scenarios_that_the_page_shows_are_accepted(tmp_path: Path) -> None:
    _, example = blocks("thresholds.md", "toml")
    (tmp_path / "teams.toml").write_text(example, encoding="utf-8")

    config = load_profile(str(tmp_path / "teams.toml")).benchmarks["api_mixed_operations"]

    meant = {threshold.key: threshold.scenarios for threshold in config.parsed_thresholds()}
    assert meant["http_req_duration{team:accounts}"] == ("create", "delete")
    assert meant["http_req_failed{team:accounts,tier:gold}"] == ("delete",)


def test_every_command_line_in_the_pages_names_commands_and_options_that_exist() -> None:
    known = commands()
    lines = [
        line.split("#")[0].split()
        for path in [*PROSE, ROOT / "README.md"]
        for line in re.findall(
            r"(?:^\$ |`)\S*perf-pipeline ([a-z][^`\n]*)", text(path), re.MULTILINE
        )
    ]
    assert lines
    for words in lines:
        plain = [word.strip("|,") for word in words]
        name = " ".join(plain[:2]) if " ".join(plain[:2]) in known else plain[0]
        assert name in known, words
        offered = {option for param in known[name].params for option in (*param.opts, "--help")}
        assert {word for word in plain if word.startswith("--")} <= offered, words


def test_the_override_of_the_page_changes_one_key() -> None:
    [console] = blocks("profiles.md", "console")
    [pair] = re.findall(r"--set (\S+)", console)
    key, _, value = pair.partition("=")

    profile = load_profile("quick", parse_overrides({key: value}))

    assert '"rate": 80' in profile.as_json


def test_the_page_names_the_statistics_that_runs_are_compared_by() -> None:
    *first, last = COMPARED

    assert f"The statistics are {', '.join(first)} and {last};" in text(DOCS / "statistics.md")


def test_no_two_decisions_share_a_number() -> None:
    names = [page.name for page in (ROOT / "docs" / "decisions").glob("*.md")]

    assert len({name[:4] for name in names}) == len(names)


def test_the_page_shows_the_layers_that_are_enforced_and_every_package() -> None:
    tree, layers, *_ = blocks("architecture.md", "text")
    enforced = configparser.ConfigParser()
    enforced.read(ROOT / ".importlinter", encoding="utf-8")
    packages = {path.parent.name for path in (ROOT / "perf_pipeline").glob("*/__init__.py")}

    told = enforced["importlinter:contract:layers"]["layers"].strip()
    assert layers.splitlines() == told.replace(" | __main__", "").splitlines()
    assert packages <= set(re.findall(r"(?<=  )(\w+)(?=/)", tree)) | {"defs"}


@pytest.mark.parametrize("path", [*PROSE, ROOT / "README.md"], ids=lambda path: path.name)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(path: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", text(path), flags=_WHOLE)
    tables = re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE)
    bars = [[len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()] for table in tables]

    assert [table for table, found in zip(tables, bars, strict=True) if len(set(found)) > 1] == []
