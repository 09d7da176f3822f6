"""A page about the run under way: what it tells while it goes on, followed by a browser.

Add here: another thing that who watches a run wants to know. Keep out: what costs the measuring
processes anything; they are not asked, only the files that the run writes are read.
"""
