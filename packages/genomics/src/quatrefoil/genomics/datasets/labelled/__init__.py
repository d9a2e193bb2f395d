"""Labelled sequences: the files in which they come, their splits, and what two sets share."""
