"""Alert people to a run that did not pass: the text, and each way of sending it.

Add here: another kind of receiver, and its line in `sending.py`. Keep out: what fails a run
(judging/), and when an alert is sent (cli/, defs/).
"""
