"""A profile that asks one thing of a shop, 50 times a second; duets compare two shops by it.

Add here: nothing. Keep out: the sides (servers/slow_by.py), and sections of single tests.
"""


def orders(name: str = "shop") -> str:
    """Return the text of the profile."""
    return f"""
name = "{name}"
workers = 1
[benchmarks.orders.scenarios.buy]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 50
duration = "10s"
preAllocatedVUs = 60
gracefulStop = "1s"
parameters = {{ timeout = "1s", steps = [{{ name = "get", path = "/" }}] }}
"""
