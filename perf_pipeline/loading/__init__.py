"""From a profile to a full spool: prepare the system, load it, watch, and write all of it down.

Add here: what happens before or during a load. Keep out: the history (judging/).
"""
