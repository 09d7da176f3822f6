"""Reads a profile from TOML and finds every mistake in it at once, before any load.

Add here: a rule that spans several keys. Keep out: the keys themselves (profile.py).
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from perf_pipeline.benchmarks.registry import is_shipped
from perf_pipeline.config.capacity_rules import capacity_mistakes
from perf_pipeline.config.fault_rules import fault_mistakes
from perf_pipeline.config.files import LARGEST_PROFILE_BYTES, beside, read_text
from perf_pipeline.config.fleet import worker_mistakes
from perf_pipeline.config.given_by_environment import given_by_environment
from perf_pipeline.config.growth_rules import growth_mistakes
from perf_pipeline.config.kafka_properties import kafka_mistakes
from perf_pipeline.config.loads import load_mistakes
from perf_pipeline.config.mistakes import sentences
from perf_pipeline.config.own_delivery_rules import delivery_mistakes
from perf_pipeline.config.own_files import outside_mistakes
from perf_pipeline.config.own_scenarios import (
    benchmarks_in,
    own_mistakes,
    shared_operation_mistakes,
)
from perf_pipeline.config.pinned_figures import pinned_mistakes
from perf_pipeline.config.producible import tag_value_mistakes
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.questions import question_mistakes
from perf_pipeline.config.raw_thresholds import raw_target_mistakes, raw_threshold_mistakes
from perf_pipeline.config.raw_values import endless_numbers, raw_mistakes
from perf_pipeline.config.replays import with_recordings
from perf_pipeline.config.shortcuts import expand_shortcuts
from perf_pipeline.config.toml_text import read_toml, read_value
from perf_pipeline.errors import ProfileError
from perf_pipeline.spelling import meant

SHIPPED: Final = ("quick", "ci", "full", "weekly", "soak", "resilience")
_WHOLE: Final = (
    pinned_mistakes,
    question_mistakes,
    capacity_mistakes,
    delivery_mistakes,
    fault_mistakes,
    growth_mistakes,
)


def load_profile(
    name_or_path: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    only: Collection[str] = (),
) -> Profile:
    """Read a shipped profile by its name, or any profile by its path, and check it for a run.

    Args:
        name_or_path: `quick`, or a path that ends in .toml.
        overrides: dotted path -> value, e.g. {"seeding.users": 500}.
        environment: variables that own scenarios may name, and PERF_OUT and PERF_HISTORY_REMOTE,
            which overrides replace; os.environ by default.
        only: benchmarks that are run even if they are switched off; variables, files and modules of
            other benchmarks that are switched off may be missing.

    Raises:
        ProfileError: every mistake at once.
    """
    variables = os.environ if environment is None else environment
    given = {**given_by_environment(variables), **(overrides or {})}
    source, raw, mistakes = _expanded(name_or_path, given)
    found = (*mistakes, *outside_mistakes(_without_unused(raw, only), variables))
    return _validate(raw, source, found, also=_mistakes_of_a_run)


def describe_profile(name_or_path: str, overrides: Mapping[str, Any] | None = None) -> Profile:
    """Read a profile to show what it would run, without its files and variables.

    To show a graph, variables with secrets, data files and Python modules may be absent.

    Raises:
        ProfileError: every mistake of the file at once.
    """
    source, raw, mistakes = _expanded(name_or_path, overrides or {})
    return _validate(raw, source, mistakes, also=_mistakes_of_a_run)


def _expanded(
    name_or_path: str, overrides: Mapping[str, Any]
) -> tuple[str, dict[str, Any], list[str]]:
    """Return a profile's source, its table with the overrides, and the mistakes found so far.

    Raises:
        ProfileError: the profile can't be read, or an override leads nowhere.
    """
    source, text = _read(name_or_path)
    raw = _parse(source, text)
    problems = [
        problem for path, value in overrides.items() if (problem := _override(raw, path, value))
    ]
    if problems := problems or raw_mistakes(raw):
        raise ProfileError(source, problems)
    raw.setdefault("folder", str(Path(source).parent))
    expanded, mistakes = expand_shortcuts(raw)
    recorded, wrong = with_recordings(expanded)
    return source, recorded, [*mistakes, *wrong]


def parse_overrides(texts: Mapping[str, str]) -> dict[str, Any]:
    """Read each text as a TOML value, or as plain text if it is not a TOML value.

    >>> parse_overrides({"seeding.users": "500", "target": "staging"})
    {'seeding.users': 500, 'target': 'staging'}

    Raises:
        ProfileError: a value is nested too deeply, or is too long to be read.
    """
    parsed: dict[str, Any] = {}
    for key, text in texts.items():
        try:
            parsed[key.strip()] = read_value(text)
        except ValueError as error:
            raise ProfileError("given by --set", [f"{key}: {error}"]) from error
    return parsed


def validate_profile(raw: Mapping[str, Any], source: str) -> Profile:
    """Check a profile that is already a table, such as one from the history; open no files.

    Raises:
        ProfileError: every mistake at once: keys, units, rates, thresholds, targets, steps.
    """
    expanded, mistakes = expand_shortcuts(raw)
    return _validate(expanded, source, mistakes)


def _validate(
    raw: Mapping[str, Any],
    source: str,
    outside: Iterable[str],
    also: Callable[[Profile], Iterable[str]] = lambda _: (),
) -> Profile:
    """Check a profile as a whole.

    Args:
        raw: the table from the file or the history.
        source: where the table came from.
        outside: mistakes that were found before.
        also: finds more mistakes, which matter only for a profile that will be run.

    Raises:
        ProfileError: every mistake at once.
    """
    mistakes: list[str] = []
    profile: Profile | None = None
    try:
        profile = Profile.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        mistakes += sentences(error.errors())
    mistakes += raw_threshold_mistakes(raw)
    mistakes += raw_target_mistakes(raw)
    mistakes += own_mistakes(raw)
    mistakes += kafka_mistakes(raw)
    mistakes += outside
    if profile is not None:
        for rule in (*_WHOLE, also, shared_operation_mistakes, load_mistakes):
            mistakes += rule(profile)
        mistakes += endless_numbers(raw)
    if mistakes or profile is None:
        raise ProfileError(source, mistakes, hint="docs/profiles.md lists every key")
    return profile


def _mistakes_of_a_run(profile: Profile) -> Iterator[str]:
    """Find mistakes that matter for a run, and that a profile from the history may have."""
    yield from tag_value_mistakes(profile)
    yield from worker_mistakes(profile.workers, profile.fleet)


def shipped_file(name: str) -> Path:
    """Return the path of a shipped profile."""
    return Path(str(resources.files("perf_pipeline") / "profiles" / f"{name}.toml"))


def _read(name_or_path: str) -> tuple[str, str]:
    if not name_or_path.endswith(".toml"):
        if name_or_path not in SHIPPED:
            known = ", ".join(SHIPPED)
            sentence = (
                f"there is no shipped profile of this name; choose one of {known}, or give the "
                f"path of a .toml file{_file_or_shipped(name_or_path)}"
            )
            raise ProfileError(name_or_path, [sentence])
        return f"{name_or_path}.toml", shipped_file(name_or_path).read_text(encoding="utf-8")
    try:
        return name_or_path, read_text(Path(name_or_path), LARGEST_PROFILE_BYTES)
    except ValueError as error:
        raise ProfileError(name_or_path, [f"it {error}"]) from error


def _file_or_shipped(name: str) -> str:
    """Suggest the file that lacks its ending, a shipped profile, or a file with a similar name."""
    if "\0" in name:
        return ""
    if Path(f"{name[:200]}.toml").is_file():
        return f"; did you mean {name}.toml?"
    return meant(name, SHIPPED) or beside(Path(name[:200]), ".toml")


def _parse(source: str, text: str) -> dict[str, Any]:
    """Parse TOML, on top of the shipped profile that `extends = "full"` names."""
    try:
        raw = read_toml(text)
    except ValueError as error:
        raise ProfileError(source, [str(error)]) from error
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if base not in SHIPPED or f"{base}.toml" == source:
        known = f"it must be one of {', '.join(SHIPPED)}{meant(str(base), SHIPPED)}"
        raise ProfileError(source, [f"extends is {base!r}; {known}"])
    return _merge(_without_unnamed(_parse(*_read(base)), raw), raw)


def _without_unnamed(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Switch off benchmarks that a profile with own benchmarks inherits and does not name.

    Its author wants to load a system of his own, without our `POST /user` being sent to it. A
    shipped benchmark runs as well if the file names it, even with a single key.
    """
    named = dict(benchmarks_in(over))
    if all(map(is_shipped, named)):
        return base
    off = {
        name: {**config, "enabled": False} if name not in named else config
        for name, config in benchmarks_in(base)
    }
    return {**base, "benchmarks": off}


def _without_unused(raw: Mapping[str, Any], only: Collection[str]) -> Mapping[str, Any]:
    """Leave out benchmarks that are switched off and that nobody requested by name."""
    used = {
        name: config
        for name, config in benchmarks_in(raw)
        if config.get("enabled") is not False or name in only
    }
    searched = [config["capacity"] for config in used.values() if "capacity" in config]
    of = [search.get("of") for search in searched if isinstance(search, Mapping)]
    used |= {name: config for name, config in benchmarks_in(raw) if name in of}
    return {**raw, "benchmarks": used}


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a table into another one; any value other than a table replaces the old one."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _override(raw: dict[str, Any], path: str, value: object) -> str | None:
    *tables, key = path.split(".")
    place: Any = raw
    for table in tables:
        place = place.setdefault(table, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict) or not key:
        return f"the override {path!r} leads through a value that is not a table"
    place[key] = value
    return None
