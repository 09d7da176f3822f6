"""What must never be shown: which values are secret, and every way in which they can turn up.

Add here: another place in which a secret stands, another spelling of it. Keep out: what is shown.
"""
