"""Conformance suites: subclass one, say what the connector can do, and get its promises as pytest tests."""
