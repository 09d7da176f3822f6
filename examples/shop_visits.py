"""A Python scenario of one's own: sign up, look at the answer, leave again.

Named in shop_visits.toml as `shop_visits:visit`; imported from the profile's folder.
"""

# ruff: noqa: INP001 - it is imported from the profile's folder, which is no package

from perf_pipeline.scenario import VU, scenario


@scenario(checks=("signed up", "is at home", "is gone"))
async def visit(vu: VU) -> None:
    """Make one user of the Birthday Scheduler and delete it."""
    person = {
        "firstName": "Ada",
        "lastName": vu.random.choice(["Lovelace", "Hopper", "Curie"]),
        # No two runs, VUs or iterations share an address.
        "email": f"visit-{vu.run}-{vu.id}-{vu.iteration}@perf-pipeline.invalid",
        "birthdayDate": f"1990-01-{vu.random.randint(10, 28)}",
        "timezone": "Europe/Berlin",
    }
    answer = await vu.client.post("/user", json=person, extensions={"name": "sign up"})
    if not vu.check("signed up", answer.status_code == 201):
        return
    user = answer.json()
    await vu.think(0.01, 0.05)

    found = await vu.client.get(f"/user/{user['id']}")  # is called "GET /user/{id}"
    vu.check("is at home", found.is_success and found.json()["timezone"] == "Europe/Berlin")

    gone = await vu.client.delete(
        f"/user/{user['id']}", extensions={"name": "leave", "expect": {200, 404}}
    )
    vu.check("is gone", gone.status_code in {200, 404})
