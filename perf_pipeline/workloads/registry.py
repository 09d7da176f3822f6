"""Which class does what an `exec` name says.

Add here: an `exec` name (and its parameters in config/parameters.py). Keep out: everything else.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.parameters import HTTP_STEPS, is_python

_HERE: Final = "perf_pipeline.workloads"
WORKLOADS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "create_user": f"{_HERE}.users:CreateUser",
        "read_user": f"{_HERE}.users:ReadUser",
        "delete_user": f"{_HERE}.users:DeleteUser",
        "insert_users": f"{_HERE}.postgres.users:InsertUsers",
        "select_users": f"{_HERE}.postgres.users:SelectUsers",
        "update_users": f"{_HERE}.postgres.users:UpdateUsers",
        "soft_delete_users": f"{_HERE}.postgres.users:DeleteUsers",
        "produce_messages": f"{_HERE}.kafka.produce:ProduceMessages",
        "produce_transactions": f"{_HERE}.kafka.produce:ProduceTransactions",
        "produce_ceiling": f"{_HERE}.kafka.produce:ProduceCeiling",
        "consume_ceiling": f"{_HERE}.kafka.consume_ceiling:ConsumeCeiling",
        "consume_messages": f"{_HERE}.kafka.consume:ConsumeMessages",
        HTTP_STEPS: f"{_HERE}.steps.scenario:HttpSteps",
    }
)


def workload_of(exec_name: str) -> str:
    """Give the class of an `exec`, as the engine finds it; Python code of the user's has one."""
    if is_python(exec_name):
        return f"{_HERE}.python.scenario:PythonScenario"
    return WORKLOADS[exec_name]
