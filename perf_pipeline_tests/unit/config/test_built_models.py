"""Models are built at their first use, or all at once where a process is going to be forked."""

from perf_pipeline.config.frozen import Frozen, build_models
from perf_pipeline.config.profile import Profile  # noqa: F401 - with it all models of profiles


def test_a_process_that_is_forked_has_every_model_built() -> None:
    build_models()

    waiting = [Frozen]
    while waiting:
        model = waiting.pop()
        assert model.__pydantic_complete__, model
        waiting += model.__subclasses__()
