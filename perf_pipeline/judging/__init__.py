"""From a spool to a verdict: ingest, judge, compare, attribute, publish. Nothing here loads.

Add here: a question about a stored run. Keep out: sending anything to a target (loading/).
"""
