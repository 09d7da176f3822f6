"""Use cases of both rooms: they load and judge, and are the only ones that know both.

Add here: something that a user does with both. Keep out: what needs a load only (loading/) or a
stored run only (judging/); printing (cli/) and dagster (defs/).
"""
