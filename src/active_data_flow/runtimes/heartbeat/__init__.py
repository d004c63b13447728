"""The heartbeat runtime, a Django app: a request or a command now and then runs the flows that are due.

Add ``"active_data_flow.runtimes.heartbeat"`` to ``INSTALLED_APPS``. Flows are found in the ``flows.py`` of each
installed app and become records, or exist as records only. `models.DataFlowRun` is the truth about each run: who holds
it, until when, what it has done. Runs are claimed by a conditional UPDATE, held by a lease, and fenced by a number, so
that however many heartbeats come at once, each due flow runs once.
"""
