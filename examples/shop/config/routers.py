"""Which tables are in which database."""


class FlowsRouter:
    """The books of the flows are in ``flows``, everything else is in ``default``."""

    def db_for_read(self, model, **hints):
        """Where rows of a model are read."""
        return "flows" if model._meta.app_label == "active_data_flow" else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        """Whether an app's tables are made in a database."""
        return (db == "flows") == (app_label == "active_data_flow")
