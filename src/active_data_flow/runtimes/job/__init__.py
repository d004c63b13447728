"""The job runtime, a Django app: the heartbeat only enqueues, and workers of a task queue run the flows.

Add ``"active_data_flow.runtimes.job"`` to ``INSTALLED_APPS``, after ``"active_data_flow.runtimes.heartbeat"``, and
start a worker: ``manage.py adf_worker``. The queue is a wake-up, the run's record is the truth: a task that is lost,
comes twice, or outlives its worker costs no run and doubles none.
"""
