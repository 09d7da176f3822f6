"""From a file of another load tool to a full spool, so that it is judged and compared as a run is.

Add here: another tool (`tools.py`). Keep out: judging (judging/), and SQL (store/imports/).
"""
