"""Who may send requests, from where, how many, and what is kept of it.

`admission.admit` answers all of these questions for one request; views of any kind call it first. What it refuses is a
`RefusedError`, which `problems` turns into an answer of one shape.
"""

from active_data_flow.runtimes.heartbeat.security.admission import Sender, admit, admit_address
from active_data_flow.runtimes.heartbeat.security.audit import audit
from active_data_flow.runtimes.heartbeat.security.json_bodies import read_json
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError, problem
from active_data_flow.runtimes.heartbeat.security.request_log import log_requests
from active_data_flow.runtimes.heartbeat.security.tokens import Scope

__all__ = ["RefusedError", "Scope", "Sender", "admit", "admit_address", "audit", "log_requests", "problem", "read_json"]
