"""Name the history that a job of GitHub Actions keeps, and the one that it begins with.

Add here: another rule on who reads whose history. Keep out: copying it, which the CI system does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from perf_pipeline.errors import RequestError

_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target", "merge_group"})


@dataclass(frozen=True, slots=True)
class KeptHistory:
    """Say where a history is kept between jobs.

    Attributes:
        key: it is kept under; no other job has the same.
        read: beginnings of keys whose newest history is taken, in this order.
        is_kept: whether it is kept for later jobs.
    """

    key: str
    read: tuple[str, ...]
    is_kept: bool


def kept_history(name: str, environment: Mapping[str, str], default_branch: str) -> KeptHistory:
    """Return the names of a history for the job that runs.

    A pull request reads the history of its base branch, and keeps none: unmerged runs are in
    nobody's baseline, not even in its own. A branch without a history begins with that of the
    default branch.

    Args:
        name: the name of the history; different systems under test have different ones.
        environment: the environment of GitHub Actions.
        default_branch: the default branch of the repository; empty where it is not known.

    Raises:
        RequestError: this is no job of GitHub Actions.
    """
    own, base = environment.get("GITHUB_REF_NAME", ""), environment.get("GITHUB_BASE_REF", "")
    run, attempt = (environment.get(f"GITHUB_RUN_{part}", "") for part in ("ID", "ATTEMPT"))
    if not (own and run):
        raise RequestError(
            "GITHUB_REF_NAME and GITHUB_RUN_ID are not set, so this is not a job of GitHub Actions",
            hint="docs/ci.md says how other CI systems keep the history",
        )
    branches = dict.fromkeys(branch for branch in (base or own, default_branch) if branch)
    return KeptHistory(
        f"{_beginning(name, own)}{run}-{attempt or 1}",
        tuple(_beginning(name, branch) for branch in branches),
        is_kept=environment.get("GITHUB_EVENT_NAME") not in _PULL_REQUESTS,
    )


def as_outputs(history: KeptHistory) -> str:
    """Write the names as outputs of a step of GitHub Actions, one `name=value` or block each."""
    read = "\n".join(history.read)
    kept = str(history.is_kept).lower()
    return f"key={history.key}\nkept={kept}\nread<<end-of-read\n{read}\nend-of-read"


def _beginning(name: str, branch: str) -> str:
    # A key holds no comma; and `main` must not find the keys of `main-2`, nor of `main/2`.
    return f"{quote(name, safe='')}/{quote(branch, safe='')}/"
