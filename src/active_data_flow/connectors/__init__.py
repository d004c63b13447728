"""Where data lives: one folder a connector, the same files in each."""
