"""HTTP as load needs it: connections, bytes, time stamps, and what came of a request.

Add here: what every HTTP workload needs. Keep out: where requests come from (steps/, python/).
"""
