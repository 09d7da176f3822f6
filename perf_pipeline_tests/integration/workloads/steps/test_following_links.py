"""Steps that go where an earlier answer's link leads, on a real server: pages, and what was made.

How a link is read is RFC 3986's and the WHATWG's; only the target's own origin is ever asked.
"""

import pytest

from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.loads.http_worker import an_iteration, run
from perf_pipeline_tests.support.loads.own_steps import Table, echo, own, told


def steps_of(link: str) -> tuple[Table, Table]:
    """Let the echo answer with a link, and follow it."""
    return echo(body=link, save={"next": "$.body"}), {"name": "page", "path": "${next}"}


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("/echo/2?page=2&of=a%20b", "/echo/2?page=2&of=a%20b"),  # as it is: nothing twice encoded
        ("{shop}/echo/3?page=3", "/echo/3?page=3"),
        ("/echo/a/../b?q=ü#part", "/echo/b?q=%C3%BC"),  # dots resolved, no fragment (RFC 3986, 5.3)
    ],
)
@pytest.mark.parametrize("prefix", ["", "/echo"])
def test_a_saved_link_is_the_whole_path_of_a_later_step(
    shop: str, prefix: str, link: str, asked: str
) -> None:
    path = "/echo" if not prefix else "/base"
    first, page = steps_of(link.replace("{shop}", shop))

    samples = run(HttpSteps(), own(shop + prefix, {**first, "path": path}, page), an_iteration())

    assert [(sample.operation, sample.status) for sample in samples.samples] == [
        ("echo", 200),
        ("page", 200),
    ]
    assert told(shop)[-1] == f"GET {asked}"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/echo/2",  # another origin is never loaded
        "//example.org/echo/2",
        "?page=2",  # only the answer knows of which page
        "next",
        "",
    ],
)
def test_what_is_no_link_on_the_target_ends_the_iteration_with_its_check(
    shop: str, link: str
) -> None:
    (sample,) = run(HttpSteps(), own(shop, *steps_of(link)), an_iteration()).samples

    assert (sample.operation, sample.checks_failed) == ("echo", 1)
