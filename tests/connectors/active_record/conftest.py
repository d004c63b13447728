"""Django, with one database after the other."""

from __future__ import annotations

from django_project.fixtures import database, migrated_databases, sqlite_database

__all__ = ["database", "migrated_databases", "sqlite_database"]
