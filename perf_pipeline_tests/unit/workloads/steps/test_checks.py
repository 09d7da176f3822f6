"""A step finds in a response what RFC 9535 finds there, and nothing else."""

import json
from typing import Final

import jsonpath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.json_values import ABSENT
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.steps.checks import CheckedResponse

NAMES: Final = ["a", "0", "it's"]
DOCUMENTS: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "text"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner),
)
PATHS: Final = st.lists(st.sampled_from(NAMES) | st.integers(-2, 1), max_size=3).map(
    lambda place: "$" + "".join(f"[{json.dumps(part)}]" for part in place)
)


def found(document: object, path: str) -> object:
    body = json.dumps(document).encode()
    result = HttpResult(200, [], body, "", 0, 0, 0, 1, 1, 1, 0, len(body), False, False)  # noqa: FBT003
    return CheckedResponse(result).at(parse_json_path(path))


@pytest.mark.parametrize("path", ["$.name[0]", "$.name[-1]", "$.name.first", "$[0]", "$.id[0]"])
def test_a_text_a_number_and_an_object_have_no_elements(path: str) -> None:
    assert found({"name": "Ada", "id": 7}, path) is ABSENT


@settings(max_examples=300)
@given(DOCUMENTS, PATHS)
def test_what_is_found_is_what_the_rfc_finds(document: object, path: str) -> None:
    ours = found(document, path)

    right = jsonpath.findall(path, document, strict=True)  # type: ignore[arg-type]  # any JSON
    assert ([] if ours is ABSENT else [ours]) == right
