"""Find out what is measured: the target's version, and facts from CI about its code.

The version is not part of the fingerprint, because runs of different versions are compared.
Add here: another fact about what was measured. Keep out: the machine and the servers
(environment.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf_pipeline.config.own_scenarios import trust_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.safety import found_addresses
from perf_pipeline.config.target import Target
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.ci_facts import ci_facts, one_line
from perf_pipeline.probes.docker import image_of
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.target_version import asked_version

VERSION_VARIABLE: Final = "PERF_TARGET_VERSION"


@dataclass(frozen=True, slots=True)
class Revision:
    """Hold what was measured.

    Attributes:
        facts: version, commit, branch, pull_request and build, as far as they are known.
        notices: why the version is not known although the profile says where to find it.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def given_revision(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment says, before the target is asked."""
    version = one_line(environment.get(VERSION_VARIABLE, ""))
    found = {**({"version": version} if version else {}), **ci_facts(environment)}
    return {name: KNOWN.mask(value) for name, value in found.items()}


def revision_of(profile: Profile, target: Target, environment: Mapping[str, str]) -> Revision:
    """Read the version from the environment or the target; a run does not need one.

    Args:
        profile: the profile, whose certificates are trusted and in whose folder a command is run.
        target: the running target, with its addresses.
        environment: the variables of the process.
    """
    facts = given_revision(environment)
    if "version" in facts or target.version is None:
        return Revision(facts)
    try:
        version = told_version(profile, target, environment)
    except TargetUnavailableError as error:
        told = f"the version of target {target.name} is not known: {error.sentence}"
        return Revision(facts, (told,))
    return Revision({"version": version, **facts})


def told_version(profile: Profile, target: Target, environment: Mapping[str, str]) -> str:
    """Ask the target for its version as the profile says; empty if the profile says nothing.

    Args:
        profile: the profile, whose certificates are trusted and in whose folder a command is run.
        target: the running target, with its addresses.
        environment: the variables of the process.

    Raises:
        TargetUnavailableError: there was no answer, or it contained no version.
    """
    question = target.version
    if question is None:
        return ""
    if question.container:
        try:
            return KNOWN.mask(one_line(image_of(question.container, environment)))
        except ProbeError as error:
            raise TargetUnavailableError(error.sentence) from error
    answer = asked_version(
        question,
        target.base_url,
        trust_of(profile),
        found_addresses(target) if target.base_url else (),
        Path(profile.folder),
    )
    return KNOWN.mask(one_line(answer))
