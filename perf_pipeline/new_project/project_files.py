"""The files of a new project: its profile, a scenario in Python, Dagster, CI and a README.

Add here: another file, with its template in templates/. Keep out: what the profile says
(profile_text.py).
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perf_pipeline import __version__
from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.draft import Draft
from perf_pipeline.new_project.fitting import checked
from perf_pipeline.new_project.names import module_name
from perf_pipeline.new_project.profile_text import profile_text
from perf_pipeline.quoting import on_one_line

if TYPE_CHECKING:
    from jinja2 import Environment


# These files hold no secret and are shared by a repository; the umask of the state is not theirs.
_FOR_THE_TEAM: Final = 0o644
_FOLDER_FOR_THE_TEAM: Final = 0o755


def write_project(folder: Path, draft: Draft) -> list[Path]:
    """Write the project, check its profile, and give the files in the order of writing.

    Raises:
        RequestError: the folder holds files already, or can't be written; nothing was written.
    """
    require_empty(folder)
    written = []
    for name, text in files_of(draft).items():
        path = folder / name
        try:
            _make_folder(path.parent)
            path.write_text(text, encoding="utf-8", errors="replace")  # half a character of JSON
            path.chmod(_FOR_THE_TEAM)
        except OSError as error:
            raise RequestError(f"{path} can't be written: {error.strerror or error}") from error
        written.append(path)
    checked(folder / f"{draft.name}.toml", draft)
    return written


def _make_folder(folder: Path) -> None:
    """Make what is missing of a folder, each part for the team; what is there stays as it is."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOLDER_FOR_THE_TEAM)


def require_empty(folder: Path) -> None:
    """Refuse a folder in which something could be overwritten.

    Raises:
        RequestError: it has files, or is none.
    """
    try:
        there = sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise RequestError(f"{folder} can't be used: {error.strerror or error}") from error
    if there:
        raise RequestError(
            f"{folder} holds files already ({there[0]}), so nothing was written",
            hint="name a new folder, or an empty one",
        )


def files_of(draft: Draft) -> Mapping[str, str]:
    """Return every file of the project with its text."""
    module = module_name(draft.name)
    has_api = "baseUrl" in draft.target
    files = {
        "README.md": "README.md.j2",
        ".gitignore": "gitignore.j2",
        "pyproject.toml": "pyproject.toml.j2",
        "workspace.yaml": "workspace.yaml.j2",
        "dagster.yaml": "dagster.yaml.j2",
        f"{module}/__init__.py": "init.py.j2",
        f"{module}/definitions.py": "definitions.py.j2",
        f"{module}/defs/speed/defs.yaml": "defs.yaml.j2",
        ".github/workflows/speed.yml": "speed.yml.j2",
        **({"scenarios.py": "scenarios.py.j2"} if has_api else {}),
    }
    values = {
        "draft": draft,
        "module": module,
        "version": __version__,
        "has_api": has_api,
        "first_path": first_path(draft),
    }
    made = {f"{draft.name}.toml": profile_text(draft)}
    return made | {name: _rendered(template, values) for name, template in files.items()}


def first_path(draft: Draft) -> str:
    """Return the first path that needs no variable, for a scenario in Python."""
    steps = (step for benchmark in draft.benchmarks for step in benchmark.steps)
    plain = (step.path for step in steps if step.method == "GET" and "$" not in step.path)
    return next(plain, "/")


def _markdown(text: str) -> str:
    """Make a text of somebody else harmless in a paragraph or a table of Markdown."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", on_one_line(text))


def _rendered(template: str, values: Mapping[str, object]) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> "Environment":
    # Imported here: other commands need not wait for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("perf_pipeline.new_project"),
        autoescape=False,  # noqa: S701 - the files are no HTML; names in them are our own spelling
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"markdown": _markdown, "python": json.dumps}
    return environment
