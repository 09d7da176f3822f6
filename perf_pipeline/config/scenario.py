"""A scenario of a profile: what an iteration does, how often it runs, and when.

Add here: a key of a scenario, with its meaning in the docstring (docs/profiles.md shows it). Keep
out: the keys of executors (executors/) and of iterations (parameters.py, http_steps.py).
"""

from typing import Any, Self

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.executors.registry import WrittenExecutor
from perf_pipeline.config.frozen import Frozen, is_empty, keys_of
from perf_pipeline.config.http_steps import Name, OwnHttpParameters, VariableName
from perf_pipeline.config.parameters import ITERATIONS, iteration_kind
from perf_pipeline.config.tag_names import TagName
from perf_pipeline.spelling import meant


def _meant(exec_name: str) -> str:
    """End the sentence on an unknown `exec`; Python code needs a colon before its last name."""
    module, dot, name = exec_name.strip().rpartition(".")
    is_dotted = bool(dot) and iteration_kind(f"{module}:{name}") is not None
    return f"; did you mean {module}:{name}?" if is_dotted else meant(exec_name, ITERATIONS)


class Scenario(Frozen):
    """Say what an iteration does (`exec`), how often it runs (the executor's keys) and when.

    Attributes:
        plan: the executor; its keys are written next to the others, as in k6.
        exec: what an iteration does: one of the names below (parameters of each exec), or your
            own Python code, `my_package.module:name` (docs/scenarios.md).
        step: scenarios of the same step run at the same time; the steps run one after another.
        warm_up_us: iterations that start during this time are run but not counted.
        ceiling: the scenario is unpaced on purpose: a saturated generator is reported, not INVALID,
            provided that all scenarios of the step are ceilings.
        env: values by name that are not secret: `${env.NAME}` in steps, `vu.env` in Python. They
            take precedence over the machine's environment variables.
        tags: tags of every sample of the scenario, by which thresholds can filter.
        parameters: the parameters of the iteration.
    """

    plan: WrittenExecutor
    exec: str
    step: int = Field(default=1, ge=1, le=10_000)
    warm_up_us: Duration = Field(default=0, alias="warmUp", ge=0)
    ceiling: bool = False
    env: dict[VariableName, str] = Field(default_factory=dict, exclude_if=is_empty)
    tags: dict[TagName, Name] = Field(default_factory=dict, exclude_if=is_empty)
    parameters: SerializeAsAny[Frozen] = Field(default_factory=Frozen, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, raw: object) -> object:
        """Split k6's flat table into our own keys and those of the executor."""
        if not isinstance(raw, dict) or "plan" in raw:
            return raw
        ours = {key: value for key, value in raw.items() if key in keys_of(cls)}
        return {**ours, "plan": {key: value for key, value in raw.items() if key not in ours}}

    @field_validator("exec")
    @classmethod
    def _exec_is_known(cls, name: str) -> str:
        if iteration_kind(name) is None:
            raise ValueError(
                f"{name!r} is not a known exec; write one of {', '.join(ITERATIONS)}, or name "
                f"Python code like my_package.module:checkout{_meant(name)}"
            )
        return name

    @field_validator("parameters", mode="wrap")
    @classmethod
    def _parameters_of_exec(cls, raw: object, _: object, info: Any) -> Frozen:
        kind = iteration_kind(info.data.get("exec", ""))
        model = kind.parameters if kind else Frozen
        if kind is None:
            return model()  # an unknown `exec` is already reported
        if isinstance(raw, Frozen):
            return raw if isinstance(raw, model) else model()
        return model.model_validate(raw, by_alias=True, by_name=False)

    @model_validator(mode="after")
    def _secrets_are_not_written(self) -> Self:
        parameters = self.parameters
        secrets = parameters.secret_names if isinstance(parameters, OwnHttpParameters) else ()
        if both := sorted(set(secrets) & self.env.keys()):
            raise ValueError(
                f"env.{both[0]} is also the name of a secret (auth, secrets), which may come only "
                "from the machine's environment; give one of the two another name"
            )
        return self

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if self.plan.length_us == 0:
            raise ValueError(
                "its stages take 0 s in total, so nothing would be measured; give a stage a longer "
                "duration"
            )
        if self.warm_up_us >= self.plan.length_us:
            raise ValueError(
                "warmUp lasts as long as the scenario, so nothing would be measured; shorten it"
            )
        return self
