"""The command that checks a profile and shows what a run would do, without sending anything.

Add here: another fact about a profile that people need before its run. Keep out: running it
(run.py), and checking its target (stack.py, doctor).
"""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from perf_pipeline.cli.collecting import collects_rarely
from perf_pipeline.cli.profiles import (
    file_argument,
    only_option,
    overrides_of,
    profile_given,
    profile_options,
)
from perf_pipeline.units import US_PER_S

if TYPE_CHECKING:
    from perf_pipeline.config.profile import Profile
    from perf_pipeline.config.target import Target


@click.command()
@file_argument
@profile_options
@only_option("Show only this benchmark; repeatable.")
@click.pass_context
@collects_rarely
def check(
    context: click.Context,
    file: str | None,
    profile: str,
    overrides: Sequence[str],
    only: Sequence[str],
) -> None:
    """Check a profile as a run would, and show the plan; nothing is sent.

    FILE is the same as --profile: the path of a .toml file, or a shipped profile. All mistakes are
    listed at once, and the exit code is then 104.
    """
    given = profile_given(context, file, profile)
    from perf_pipeline.config.loading import load_profile
    from perf_pipeline.loading.fault_parts import require_fault_parts
    from perf_pipeline.loading.prepare import find_target
    from perf_pipeline.loading.scaled_parts import require_scaled_parts
    from perf_pipeline.plan.outline import outline, planned_faults
    from perf_pipeline.report.outline import render_outline
    from perf_pipeline.runs.pipeline import chosen

    checked = load_profile(given, overrides_of(overrides), only=only)
    names = chosen(checked, only)
    target = find_target(checked, os.environ)
    require_fault_parts(checked, names, target)
    require_scaled_parts(checked, names, target)
    click.echo(f"{given} is right; nothing was sent.")
    for line in _about(checked, names, target):
        click.echo(line)
    if turns := outline(checked, names):
        faults = planned_faults(checked, turns)
        click.echo(f"\n{render_outline(turns, faults)}", nl=False)


def _about(profile: "Profile", names: Sequence[str], target: "Target") -> Iterator[str]:
    from perf_pipeline.loading.given_parts import is_found
    from perf_pipeline.loading.target_findings import missing_parts

    if is_found(target):
        is_known = any(target.addresses.values())
        unknown = f"{target.name}, whose address is not known yet"
        yield f"It loads {target.masked if is_known else unknown}."
        yield from (f"!! {sentence}" for sentence in missing_parts(profile, names, target))
    else:
        yield "It loads the reference system, which a run starts on this machine."
    if off := [name for name in profile.benchmark_names if name not in names]:
        yield f"Left out: {', '.join(off)}."
    yield from _searches(profile, names)
    yield from _scalings(profile, names, target)


def _searches(profile: "Profile", names: Sequence[str]) -> Iterator[str]:
    """Describe what each search for a capacity would do."""
    from perf_pipeline.analysis.capacity.length import asks_for_a_rate, counts, window_s
    from perf_pipeline.judging.capacities import plan_of
    from perf_pipeline.report.capacity_texts import search_sentence

    for name in names:
        wanted = profile.benchmarks[name].capacity
        if wanted is None:
            continue
        plan, thresholds = plan_of(profile, wanted), profile.benchmarks[wanted.of].all_thresholds()
        given_us = wanted.window_us
        length_s = window_s(filter(counts, thresholds), plan.hint)
        left_out = [f"{its.key} {its.source}" for its in thresholds if asks_for_a_rate(its)]
        length_s = length_s if given_us is None else given_us / US_PER_S
        yield search_sentence(name, wanted.of, plan, length_s, left_out)


def _scalings(profile: "Profile", names: Sequence[str], target: "Target") -> Iterator[str]:
    """Say at which numbers of units each scaling run would search, and at which it can't."""
    from perf_pipeline.engine.control_group import usable_cores
    from perf_pipeline.loading.scaled_parts import usual_units
    from perf_pipeline.plan.scaling import busy_units, cores_short, free_cores
    from perf_pipeline.report.scaling_texts import setting_sentence

    cores = usable_cores()
    for name in names:
        config = profile.benchmarks[name]
        if config.scaling is None or config.capacity is None:
            continue
        wanted, of = config.scaling, config.capacity.of
        free = free_cores(profile, target, wanted, cores)
        most = busy_units(profile, wanted)
        short = cores_short(most, free, profile.workers, cores)
        usual = usual_units(profile, wanted)
        yield setting_sentence(name, of, wanted.units, usual, short)
