"""Corpora, and the embedded benchmark."""
