"""One history for a team: runs go to a place that all machines reach, and come from it.

Add here: what happens between a history and such a place. Keep out: rows (store/bundles/), and
judging what has come.
"""
