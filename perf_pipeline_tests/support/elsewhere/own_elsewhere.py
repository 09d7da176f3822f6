"""A scenario in Python that asks for whatever URL its `env` holds, imported as a user's module is.

Add here: another way of asking. Keep out: assertions.
"""

from perf_pipeline.scenario import VU, scenario


@scenario()
async def ask(vu: VU) -> None:
    """Ask for the URL."""
    await vu.client.get(vu.env["url"])
