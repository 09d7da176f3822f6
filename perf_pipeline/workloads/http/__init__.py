"""HTTP as load needs it: connections, bytes, time stamps, and the result of each request.

Add here: what every HTTP workload needs. Keep out: where requests come from (steps/, python/).
"""
