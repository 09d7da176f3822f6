from dataclasses import replace

import pytest

from perf_pipeline.report.markdown import escaped, render_markdown
from perf_pipeline.report.model import BenchmarkReport, RunReport


def test_the_answers_come_first(full: RunReport) -> None:
    lines = render_markdown(full).splitlines()

    assert lines[0] == "### perf_pipeline: FAIL (exit code 99), profile quick"
    assert lines[2] == "- **Regression: yes: api_user_creation http_req_duration p(95)**"
    assert lines[3].startswith("- **1,000,000 messages a day: PASS, day_simulation sustained")
    assert lines[5] == (
        "| benchmark | status | p95 | p95 against baseline | throughput | error rate |"
    )
    assert lines[7] == (
        "| api_user_creation | FAIL | 4 ms | +33.4 % vs 3 ms, REGRESSED | 11,734 requests/s | 1 % |"
    )
    assert (
        lines[11]
        == "- **NOTICE** the broker is an emulator (noida-db), its figures are not Kafka's"
    )
    assert lines[12].startswith("- **FAIL** api_user_creation: http_req_failed is 1.0004 %, wanted")


def test_details_are_folded_and_complete(full: RunReport) -> None:
    text = render_markdown(full)

    assert "| api_user_creation | http_req_failed | rate\\<0.01 | 1.0004 % | FAIL |" in text
    assert text.count("<details>") == text.count("</details>") == 4
    assert "<summary>thresholds: 1 FAIL, 1 WARN, 4 PASS</summary>" in text
    assert (
        "- **FOUND** database CPU (database): avg 108 % in end_to_end; bound 80 %. To do: " in text
    )
    assert "| kernel | a \\| b |" in text


@pytest.mark.parametrize("kind", ["full", "five_seconds", "aborted", "empty"])
def test_every_row_of_a_table_has_as_many_cells_as_its_header(
    kind: str, request: pytest.FixtureRequest
) -> None:
    text = render_markdown(request.getfixturevalue(kind)).replace("\\|", "")
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]

    assert blocks
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1


def test_an_aborted_run_says_what_happened(aborted: RunReport) -> None:
    text = render_markdown(aborted)

    assert "- **INVALID** api_user_creation: worker 1 used 97 % of its core" in text
    assert "- **NOT RUN** day_simulation: nothing was measured" in text


def test_markup_from_outside_is_escaped(five_seconds: RunReport, api: BenchmarkReport) -> None:
    evil = replace(api, problems=("<img src=x>\n| a | [x](y)",))
    text = render_markdown(replace(five_seconds, benchmarks=(evil,)))

    assert "\\<img src=x\\> \\| a \\| \\[x\\](y)" in text
    assert escaped("`a` *b*") == "\\`a\\` \\*b\\*"
