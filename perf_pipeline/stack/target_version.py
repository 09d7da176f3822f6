"""Ask a running target which version it is, over HTTP or by a command.

Add here: another way to ask. Keep out: what the answer is used for (loading/revision.py).
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.json_values import ABSENT, read_json, value_at
from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.config.version_question import VersionQuestion
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.health import HttpAnswer, answer_to

_PATIENCE_S: Final = 10.0


def asked_version(
    question: VersionQuestion,
    base_url: str | None,
    trust: Trust,
    addresses: Sequence[str],
    folder: Path,
) -> str:
    """Ask for the version, and return the answer as it came; it may have several lines.

    Args:
        question: where the target reports its version.
        base_url: the URL of its API; None where it has none.
        trust: whose certificates are taken beside those of the system's authorities.
        addresses: where the API's name was found to lead.
        folder: where a command is run.

    Raises:
        TargetUnavailableError: there was no answer, or no version in it.
    """
    if question.command:
        return _printed(question.command, folder)
    if base_url is None:
        raise TargetUnavailableError(f"there is no API to ask for {question.path}")
    url = f"{base_url.rstrip('/')}{question.path}"
    answer = answer_to(url, trust, addresses)
    if not 200 <= answer.status < 300:
        raise TargetUnavailableError(f"GET {url} answered {answer.status}")
    if question.json_path:
        return _from_json(answer.text, question.json_path, url)
    return _plain(answer, question.header, url)


def _plain(answer: HttpAnswer, header: str, url: str) -> str:
    """Return a header, or the body where none is named."""
    found = answer.headers.get(header.lower(), "") if header else answer.text
    if not found.strip():
        what = f"has no header {header}" if header else "is empty"
        raise TargetUnavailableError(f"the answer of GET {url} {what}")
    return found


def _from_json(text: str, path: str, url: str) -> str:
    found = value_at(read_json(text), parse_json_path(path))
    if found is ABSENT:
        raise TargetUnavailableError(f"the answer of GET {url} has nothing at {path}")
    if not isinstance(found, str | int | float) or not str(found).strip():
        raise TargetUnavailableError(f"the answer of GET {url} has no text at {path}")
    return str(found)


def _printed(command: Sequence[str], folder: Path) -> str:
    shown = " ".join(command)
    try:
        ended = subprocess.run(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TargetUnavailableError(f"{shown!r} did not end within {_PATIENCE_S:g} s") from None
    except (OSError, ValueError) as error:
        raise TargetUnavailableError(f"{shown!r} can't be run: {error}") from None
    if ended.returncode:
        raise TargetUnavailableError(f"{shown!r} ended with exit code {ended.returncode}")
    if not ended.stdout.strip():
        raise TargetUnavailableError(f"{shown!r} printed nothing")
    return ended.stdout.decode(errors="replace")
