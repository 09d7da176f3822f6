"""The list of all executors.

Add here: the class of a new executor, in `WrittenExecutor`. Keep out: everything else; names and
readers follow from this list.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, get_args

from pydantic import Field, TypeAdapter

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.config.executors.kinds import Executor
from perf_pipeline.config.executors.per_vu_iterations import PerVUIterations
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.ramping_vus import RampingVUs
from perf_pipeline.config.executors.replayed_arrivals import ReplayedArrivals
from perf_pipeline.config.executors.shared_iterations import SharedIterations

WrittenExecutor = Annotated[
    ConstantVUs
    | RampingVUs
    | ConstantArrivalRate
    | RampingArrivalRate
    | PerVUIterations
    | SharedIterations
    | ReplayedArrivals,
    Field(discriminator="executor"),
]
"""An executor as it is written in a profile: its key `executor` says which one it is."""


def name_of(executor: type[Executor]) -> str:
    """Return the name of an executor as it is written in a profile.

    >>> name_of(ConstantVUs)
    'constant-vus'
    """
    (name,) = get_args(executor.model_fields["executor"].annotation)
    return str(name)


EXECUTORS: Final[Mapping[str, type[Executor]]] = MappingProxyType(
    {name_of(executor): executor for executor in get_args(get_args(WrittenExecutor)[0])}
)
"""Every executor by its name, in the order of the documentation."""
_ADAPTER: Final[TypeAdapter[Executor]] = TypeAdapter(WrittenExecutor)


def read_executor(raw: object) -> Executor:
    """Read one executor, written with k6's keys.

    Raises:
        ValidationError: pydantic's error, which holds every mistake.
    """
    return _ADAPTER.validate_python(raw)
