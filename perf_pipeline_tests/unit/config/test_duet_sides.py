"""What people may write for a side of a comparison.

Add here: another spelling. Keep out: starting sides (integration/stack).
"""

import pytest

from perf_pipeline.config.duet_sides import CommandSide, UrlSide, read_side, told_side
from perf_pipeline.errors import RequestError

_SERVE = "./serve --port {port}"


def test_a_side_is_a_url_a_command_or_a_revision() -> None:
    assert read_side("baseline", "http://127.0.0.1:8080") == UrlSide("http://127.0.0.1:8080")
    assert read_side("baseline", _SERVE) == CommandSide(_SERVE)
    assert read_side("baseline", "git:main", command=_SERVE, prepare="make") == CommandSide(
        _SERVE, "main", "make"
    )


def test_a_side_is_told_as_it_was_written() -> None:
    assert told_side(UrlSide("http://127.0.0.1:8080")) == "http://127.0.0.1:8080"
    assert told_side(CommandSide(_SERVE)) == _SERVE
    assert told_side(CommandSide(_SERVE, "main")) == f"git:main, {_SERVE}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("./serve", "--candidate './serve' is no URL, and no command, because {port} is not in it"),
        ("", "no candidate is named"),
        ("git:main", "--candidate 'git:main' needs --command with {port} in it"),
        ("git:", "--candidate 'git:' names no git revision"),
        ("git:--upload-pack=x", "--candidate 'git:--upload-pack=x' names no git revision"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_side("candidate", text)

    assert refused.value.sentence == told
    assert refused.value.hint
