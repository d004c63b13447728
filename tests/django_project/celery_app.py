"""The project's Celery app, for the tests that have a broker: its address is in ADF_TEST_BROKER."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("django_project", broker=os.environ.get("ADF_TEST_BROKER", "redis://127.0.0.1:1/0"))
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
app.set_default()
app.autodiscover_tasks(["active_data_flow.runtimes.job"])
