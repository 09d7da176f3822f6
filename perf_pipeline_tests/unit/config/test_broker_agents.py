import pytest

from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.errors import AddressError, PerfPipelineError, TargetNotAllowedError
from perf_pipeline.loading.broker_agents import broker_requests, require_agents


@pytest.mark.parametrize(
    ("url", "error", "sentence"),
    [
        (
            "http://perf:se-cret@127.0.0.1:8778/jolokia",
            AddressError,
            "holds a login; write it into PERF_JOLOKIA_LOGIN as user:password",
        ),
        ("8778", AddressError, "is not a URL; write one like http://127.0.0.1:8778/jolokia"),
        (
            "http://broker.example:8778/jolokia",
            TargetNotAllowedError,
            "broker.example (jolokia of [targets.shop]) is neither this machine nor an allowed",
        ),
    ],
)
def test_an_agent_that_may_not_be_asked_is_refused(
    url: str, error: type[PerfPipelineError], sentence: str
) -> None:
    target = resolve_target("shop", TargetConfig(jolokia=(url,)), {})

    with pytest.raises(error) as caught:
        require_agents(target)

    assert sentence in str(caught.value)
    assert "se-cret" not in str(caught.value)


def test_an_agent_on_this_machine_or_an_allowed_host_is_asked() -> None:
    here = TargetConfig(jolokia=("http://127.0.0.1:8778/jolokia",))
    there = TargetConfig(
        jolokia=("http://broker.example:8778/jolokia",), allowed=("broker.example",)
    )

    for config in (here, there):
        target = resolve_target("shop", config, {})
        require_agents(target)
        assert broker_requests(target, {}) is not None
    assert broker_requests(resolve_target("shop", TargetConfig(), {}), {}) is None
