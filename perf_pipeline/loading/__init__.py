"""Turn a profile into a full spool: prepare the system, load it, watch it, and write it all down.

Add here: what happens before or during a load. Keep out: the history (judging/).
"""
