"""Tell people of a run that did not pass: what is said, and each way of sending it.

Add here: another kind of receiver, and its line in `sending.py`. Keep out: what fails a run
(judging/), and when somebody is told (cli/, defs/).
"""
