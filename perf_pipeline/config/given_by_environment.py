"""Apply the keys that environment variables set in any profile: receivers, and a team's history.

Add here: another variable that stands for a key. Keep out: what the key means, which its own module
says.
"""

from collections.abc import Mapping

from perf_pipeline.config.history_remote import remote_of
from perf_pipeline.config.outputs import OUT_VARIABLE, outs_of
from perf_pipeline.errors import ProfileError


def given_by_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that the environment gives, as dotted paths, with their values.

    Raises:
        ProfileError: a variable holds a value that its key does not take.
    """
    try:
        given = {f"out.{kind}": url for kind, url in outs_of(environment).items()}
    except ValueError as error:
        raise ProfileError(f"changed by {OUT_VARIABLE}", [str(error)]) from None
    remote = remote_of(environment)
    return {**given, **({"history.remote": remote} if remote else {})}
