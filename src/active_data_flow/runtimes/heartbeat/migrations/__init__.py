"""Tables, as they were made over time."""
