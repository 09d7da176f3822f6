"""Use cases that both load and judge; only this package knows both loading/ and judging/.

Add here: something that a user does with both. Keep out: work that needs only a load (loading/) or
only a stored run (judging/); printing (cli/) and Dagster (defs/).
"""
