"""Corpora of clips and captions: what is on disk, under which protocol, and how samples are made of it."""
