"""The one loop that reads, transforms, writes and checkpoints."""
