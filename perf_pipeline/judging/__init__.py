"""From a spool to a verdict: ingest, judge, compare, attribute, publish. Nothing here loads.

Add here: what is asked of a stored run. Keep out: sending anything to a target (loading/).
"""
