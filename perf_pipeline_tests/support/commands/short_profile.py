"""The profile of a short run that most tests of commands load: one benchmark, or two.

Add here: another key that all of them need. Keep out: tiny.toml's, which has every benchmark.
"""

from typing import Final

# One benchmark of some seconds, with requests that give up soon; some 40 of them a second, because
# each costs every part of the system CPU. A p(99) would need 100 of them.
SHORT: Final = """
extends = "quick"
name = "short"
workers = 1
calibration = false
[seeding]
users = 200
[benchmarks.api_user_creation.scenarios.create_users]
stages = [{{ duration = "500ms", target = 4 }}, {{ duration = "{seconds}s", target = 4 }}]
warmUp = "0s"
gracefulStop = "2s"
parameters = {{ thinkTime = "80ms..120ms", timeout = "1s" }}
[benchmarks.api_user_creation.thresholds]
http_reqs = ["rate>2"]
http_req_duration = ["p(95)<2000"]
{more}
[benchmarks.end_to_end.scenarios.create_users]
rate = 10
duration = "1500ms"
warmUp = "500ms"
"""
