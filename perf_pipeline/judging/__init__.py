"""Turn a spool into a verdict: ingest, judge, compare, attribute, publish. Nothing here sends load.

Add here: a question about a stored run. Keep out: sending anything to a target (loading/).
"""
