"""What docker/compose_test asks Dagster's webserver: a tick of the schedule, and one whole run.

Add here: a question to the webserver. Keep out: anything that needs more than Python.
"""

# ruff: noqa: INP001, S310 - a program of its own, run in the container; it asks this host only

import json
import sys
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any, Final

URL: Final = "http://127.0.0.1:3000/graphql"
LIMIT_S: Final = 900
LOCATION: Final = {"repositoryName": "__repository__", "repositoryLocationName": "perf_pipeline"}
TICK: Final = """
mutation($asked: ScheduleSelector!, $at: Float) {
  scheduleDryRun(selectorData: $asked, timestamp: $at) {
    ... on DryRunInstigationTick { evaluationResult { runRequests { runKey } error { message } } }
  }
}
"""
LAUNCH: Final = """
mutation($asked: ExecutionParams!) {
  launchRun(executionParams: $asked) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS: Final = """
query($id: ID!) { runOrError(runId: $id) { ... on Run { status assets { key { path } } } } }
"""


def ask(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Send one GraphQL query and return its data.

    Raises:
        SystemExit: the webserver found a mistake in it.
    """
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(URL, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    if "errors" in found:
        raise SystemExit(f"Dagster's webserver refused a query: {found['errors']}")
    data: dict[str, Any] = found["data"]
    return data


def main() -> int:
    """Evaluate the weekly schedule, run the job `quick`, and wait for its end."""
    asked = {**LOCATION, "scheduleName": "weekly_schedule"}
    at = datetime.now(UTC).timestamp()
    tick = ask(TICK, {"asked": asked, "at": at})["scheduleDryRun"]["evaluationResult"]
    if not tick["runRequests"]:
        raise SystemExit(f"the weekly schedule asked for no run: {tick}")
    job = {
        "selector": {**LOCATION, "pipelineName": "quick"},
        "mode": "default",
    }
    launched = ask(LAUNCH, {"asked": job})["launchRun"]
    if "run" not in launched:
        raise SystemExit(f"the job was not started: {launched}")
    until = time.monotonic() + LIMIT_S
    run: dict[str, Any] = {"status": "QUEUED", "assets": []}
    while run["status"] not in {"SUCCESS", "FAILURE", "CANCELED"} and time.monotonic() < until:
        time.sleep(2)
        run = ask(STATUS, {"id": launched["run"]["runId"]})["runOrError"]
    names = sorted(asset["key"]["path"][-1] for asset in run["assets"])
    print(f"{run['status']}: {len(names)} assets: {', '.join(names)}")  # noqa: T201
    # The gate fails a run that missed a threshold; what was to be seen is that the graph ran.
    return 0 if "report" in names else 1


if __name__ == "__main__":
    sys.exit(main())
