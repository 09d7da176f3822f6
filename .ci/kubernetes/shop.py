"""The visit of a shop that .ci/kubernetes/test sends from a fleet; it names a file beside it."""

# ruff: noqa: INP001 - it is imported from the profile's folder, which is no package

from perf_pipeline.scenario import VU, scenario


@scenario(checks=("answered",))
async def visit(vu: VU) -> None:
    """Ask for one page."""
    answer = await vu.client.get("/x", extensions={"name": "visit"})
    vu.check("answered", answer.status_code == 200)
