"""Compiled layouts are kept as compiled modules are, and never in the place of what is to be shown.

Add here: another reason for which a kept layout does not serve.
"""

import marshal
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from markupsafe import Markup

from perf_pipeline.report import pages
from perf_pipeline.report.layouts import KeptLayouts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let Python write bytecode, beside the templates."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    return tmp_path


def shown(folder: Path, text: str, kind: str = "html", **options: Any) -> str:
    """Lay out the template `a`, which has this text, in an environment of its own."""
    loader = DictLoader({"a": text})
    kept = KeptLayouts(folder, kind)
    environment = Environment(loader=loader, bytecode_cache=kept, autoescape=True)
    return environment.overlay(**options).get_template("a").render()


def files(folder: Path) -> list[Path]:
    return [*folder.rglob("*.pyc")]


def test_a_template_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(folder, "{{ 1 + 2 }}") == "3"
    assert len(files(folder)) == 1

    monkeypatch.setattr(Environment, "compile", None)
    assert shown(folder, "{{ 1 + 2 }}") == "3"


def test_a_template_that_changed_is_compiled_anew(folder: Path) -> None:
    assert shown(folder, "{{ 1 + 2 }}") == "3"
    assert shown(folder, "{{ 2 + 2 }}") == "4"


def test_another_way_to_escape_has_another_file(folder: Path) -> None:
    shown(folder, "{{ 1 }}", "html")
    shown(folder, "{{ 1 }}", "markdown")

    assert len(files(folder)) == 2


@pytest.mark.parametrize("left", [0, 5, 30, 200])
def test_a_file_that_is_cut_off_is_made_anew(folder: Path, left: int) -> None:
    text = "{{ 1 + 2 }} of many"
    shown(folder, text)
    [file] = files(folder)
    whole = file.read_bytes()
    assert len(whole) > left
    file.write_bytes(whole[:left])

    assert shown(folder, text) == "3 of many"
    assert file.read_bytes() == whole


def test_a_file_with_one_bit_flipped_is_made_anew_wherever_it_is(folder: Path) -> None:
    text = "{{ 1 + 2 }} of many"
    shown(folder, text)
    [file] = files(folder)
    whole = file.read_bytes()
    for at in range(0, len(whole), 5):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])

        assert shown(folder, text) == "3 of many"
        assert file.read_bytes() == whole


@pytest.mark.parametrize("held", [b"", b"garbage", marshal.dumps([1])])
def test_a_file_that_holds_something_else_is_made_anew(folder: Path, held: bytes) -> None:
    shown(folder, "{{ 1 + 2 }}")
    [file] = files(folder)
    file.write_bytes(sha256(held).digest() + held)

    assert shown(folder, "{{ 1 + 2 }}") == "3"


@pytest.mark.parametrize(
    ("option", "text", "is_now"),
    [
        ({"trim_blocks": True}, "{% if 1 %}\na{% endif %}", "a"),
        ({"lstrip_blocks": True}, "  {% if 1 %}a{% endif %}", "a"),
        ({"keep_trailing_newline": True}, "a\n", "a\n"),
        ({"autoescape": False}, "{{ '<' }}", "<"),
        ({"finalize": lambda value: f"({value})"}, "{{ 1 }}", "(1)"),
    ],
    ids=["trim_blocks", "lstrip_blocks", "keep_trailing_newline", "autoescape", "finalize"],
)
def test_an_environment_with_another_option_has_its_own_layouts(
    folder: Path, option: dict[str, Any], text: str, is_now: str
) -> None:
    assert shown(folder, text) != is_now
    assert shown(folder, text, **option) == is_now


def test_a_folder_that_takes_no_file_costs_nothing_but_time(folder: Path) -> None:
    (folder / "__pycache__").write_text("in its place")

    assert shown(folder, "{{ 1 + 2 }}") == "3"


def test_nothing_is_written_where_python_writes_no_bytecode(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    assert shown(folder, "{{ 1 + 2 }}") == "3"
    assert not files(folder)


def test_no_function_of_ours_is_called_as_a_template_is_compiled() -> None:
    # A kept template would go on to say what such a function said once.
    environment = pages._environment.__wrapped__(Markup)
    called: list[str] = []

    def words(text: str) -> str:
        called.append(text)
        return text

    environment.filters["words"] = words

    template = environment.from_string("{{ 'a_b'|words }}{% if 'a'|words == 'a' %}x{% endif %}")

    assert called == []
    assert template.render() == "a_bx"
    assert called == ["a_b", "a"]
