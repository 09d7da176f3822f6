"""A page about the run under way, which a browser follows while the run goes on.

Add here: another thing that who watches a run wants to know. Keep out: what costs the measuring
processes anything; they are not asked, only the files that the run writes are read.
"""
