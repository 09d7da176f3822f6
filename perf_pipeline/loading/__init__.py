"""Turn a profile into a full spool: prepare the system, load it, watch it, and record everything.

Add here: something that happens before or during a load. Keep out: the history (judging/).
"""
