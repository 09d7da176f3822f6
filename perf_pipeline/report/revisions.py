"""Say in words what was measured: the target's version, what CI says of its code, and tags.

Add here: another fact of `RunRecord.revision`. Keep out: where it is shown.
"""

from collections.abc import Mapping
from typing import Final

_COMMIT_DIGITS: Final = 10
_WORDS: Final = (
    ("version", "version"),
    ("commit", "commit"),
    ("branch", "branch"),
    ("pull_request", "pull request"),
)


def revision_name(revision: Mapping[str, str]) -> str:
    """Return what people call it: the version, or the shortened commit; empty if none is known.

    >>> revision_name({"commit": "0123456789abcdef", "branch": "main"})
    '0123456789'
    """
    return revision.get("version") or revision.get("commit", "")[:_COMMIT_DIGITS]


def revision_text(revision: Mapping[str, str]) -> str:
    """Name version, commit, branch and pull request, as far as they are known.

    >>> revision_text({"version": "v1.4.2", "branch": "main"})
    'version v1.4.2, branch main'
    """
    short = {**revision, "commit": revision.get("commit", "")[:_COMMIT_DIGITS]}
    return ", ".join(f"{word} {short[name]}" for name, word in _WORDS if short.get(name))


def revision_rows(revision: Mapping[str, str]) -> dict[str, str]:
    """Return the facts in full by the words for them, with the page of the build, for tables."""
    words = {**dict(_WORDS), "base": "base branch", "build": "build"}
    return {word: revision[name] for name, word in words.items() if revision.get(name)}


def tags_of_run(tags: Mapping[str, str]) -> str:
    """Write the tags that people gave a run as they gave them, by name.

    >>> tags_of_run({"team": "shop", "env": "staging"})
    'env=staging, team=shop'
    """
    return ", ".join(f"{name}={value}" for name, value in sorted(tags.items()))


def tag_rows(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags by the words for them, for tables.

    >>> tag_rows({"env": "staging"})
    {'tag env': 'staging'}
    """
    return {f"tag {name}": value for name, value in sorted(tags.items())}
