"""Sequences without labels, for pre-training: read, cut, kept apart from sets that are to be tested."""
