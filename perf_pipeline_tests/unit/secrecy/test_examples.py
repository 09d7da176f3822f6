"""An address that a sentence gives as an example is not taken for one with a password in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import perf_pipeline
from perf_pipeline.secrecy.addresses import mask_addresses_in
from perf_pipeline_tests.support.module_texts import may_say

PACKAGE = Path(perf_pipeline.__file__).parent
# Without one of these there is no address, and no header, to hide anything of.
_MARKS = re.compile("://|password|authorization", re.IGNORECASE)
_SCOPES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def sentences_of(path: Path) -> Iterator[str]:
    """Give every text of a module that is no docstring; none where no text has a mark."""
    source = path.read_text(encoding="utf-8")
    if not may_say(_MARKS, source):
        return
    tree = ast.parse(source)
    docstrings = {
        id(scope.body[0].value)
        for scope in ast.walk(tree)
        if isinstance(scope, _SCOPES) and scope.body and isinstance(scope.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and "[^" not in node.value:  # a regular expression
            yield node.value


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if path.is_dir()))
def test_no_sentence_loses_its_example_to_the_mask(room: str) -> None:
    found = [text for path in (PACKAGE / room).rglob("*.py") for text in sentences_of(path)]

    assert [text for text in found if mask_addresses_in(text) != text] == []


def test_an_example_with_a_password_would_be_found() -> None:
    written = "write postgresql://user:password@host:port/database"

    assert mask_addresses_in(written) == "write postgresql://user:***@host:port/database"


@pytest.mark.parametrize(
    "written",
    [
        "'redis://ann:word@host'",
        "'redis:/' '/ann:word@host'",
        "(\n    'redis:'  # and more\n    '//ann:word@host'\n)",
        "'redis:\\x2f/ann:word@host'",
    ],
    ids=["whole", "in two", "in two lines", "by a number"],
)
def test_an_example_of_a_module_is_found_however_it_is_written(
    tmp_path: Path, written: str
) -> None:
    module = tmp_path / "module.py"
    module.write_text(f'"""Say more."""\n\nEXAMPLE = {written}\n', encoding="utf-8")

    assert list(sentences_of(module)) == ["redis://ann:word@host"]
    assert mask_addresses_in("redis://ann:word@host") == "redis://ann:***@host"
