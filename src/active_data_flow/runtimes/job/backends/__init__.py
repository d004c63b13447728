"""The queues that runs can wait in, a file each."""
