"""How a target is asked for its version: by a path of its API, a command, or a container's image.

Add here: another place where a version may be found. Keep out: asking (stack/target_version.py).
"""

from typing import Self

from pydantic import Field, model_validator

from perf_pipeline.config.frozen import Frozen, is_empty
from perf_pipeline.config.http_keys import Path
from perf_pipeline.config.json_path import parse_json_path

_PLACES = "write path (with json or header beside it, or neither), command, or container"


class VersionQuestion(Frozen):
    """Say where the target reports its version; PERF_TARGET_VERSION overrides it.

    Attributes:
        path: the path that is requested with GET before the load; the first line of the answer is
            the version, unless `json` or `header` says otherwise.
        json_path: the place of the version in a JSON answer, such as `$.build.version`.
        header: the header of the answer that holds the version.
        command: a program and its arguments, run in the profile's folder; the first line that it
            prints is the version, such as `["git", "describe", "--tags"]`.
        container: name or id of a container on this machine; the version is the name of its image
            and the start of the image's digest, as the Docker engine reports them.
    """

    path: Path = Field(default="", exclude_if=is_empty)
    json_path: str = Field(default="", alias="json", exclude_if=is_empty)
    header: str = Field(default="", exclude_if=is_empty)
    command: tuple[str, ...] = Field(default=(), strict=False, exclude_if=is_empty)
    container: str = Field(default="", max_length=200, exclude_if=is_empty)

    @model_validator(mode="after")
    def _is_one_question(self) -> Self:
        places = {"path": self.path, "command": self.command, "container": self.container}
        given = [name for name, place in places.items() if place]
        if len(given) != 1:
            told = " and ".join(given) or "neither path nor command nor container"
            raise ValueError(f"has {'both ' if given else ''}{told}; {_PLACES}")
        if self.json_path and self.header:
            raise ValueError("has both json and header; the version stands in one of them")
        if not self.path and (self.json_path or self.header):
            raise ValueError(f"has json or header beside {given[0]}; they belong to path")
        if self.command and not self.command[0].strip():
            raise ValueError("has an empty program as command; write its name first")
        if self.json_path:
            parse_json_path(self.json_path)
        return self
