"""Where checkpoints, runs and rejected records are kept."""
