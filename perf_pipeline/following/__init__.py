"""Show a page about the current run, which a browser follows while the run goes on.

Add here: another thing that people who watch a run want to know. Keep out: what costs the measuring
processes anything; they are not asked, only the files that the run writes are read.
"""
