"""Where a team keeps its history: `[history]` of a profile, and PERF_HISTORY_REMOTE.

Add here: another key of `[history]`. Keep out: reaching the place (sharing/place.py).
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

from perf_pipeline.config.frozen import Frozen

REMOTE_VARIABLE: Final = "PERF_HISTORY_REMOTE"
"""Holds the place as `perf-pipeline push` takes it; it wins over the profile's."""

_GONE_AFTERWARDS: Final = frozenset({"memory"})


def remote_mistake(url: str) -> str:
    """Say why a text can't be a place of a history, as the end of a sentence; else empty."""
    protocol, separator, rest = url.partition("://")
    if not url.strip() or not url.isprintable():
        return "is empty, or has letters that no address has"
    if separator and protocol in _GONE_AFTERWARDS:
        return "is gone when the command ends; name a folder, or a URL such as s3://BUCKET/FOLDER"
    user = rest.partition("/")[0].rpartition("@")[0] if separator else ""
    if ":" in user:
        return (
            "holds a password; credentials come from where the client of the place looks for "
            "them, such as AWS_ACCESS_KEY_ID or an SSH key"
        )
    return ""


def remote_of(environment: Mapping[str, str]) -> str:
    """Return the place that PERF_HISTORY_REMOTE names; empty where it names none."""
    return environment.get(REMOTE_VARIABLE, "").strip()


def _checked(url: str) -> str:
    if mistake := remote_mistake(url):
        shown = "the URL" if "@" in url else repr(url[:200])
        raise ValueError(f"{shown} {mistake}")
    return url


class HistoryConfig(Frozen):
    """Say where a team keeps its history; by default nowhere.

    Attributes:
        remote: a folder, or a URL such as `s3://BUCKET/FOLDER`, that finished runs are pushed to
            (docs/team-history.md).
    """

    remote: Annotated[str, AfterValidator(_checked)] | None = None
