"""What a run leaves on disk, and reading it again: folder, checkpoints, what it started from, scores."""
