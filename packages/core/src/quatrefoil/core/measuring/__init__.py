"""Runs measured: which there are, where they are made, and the rows that are kept of them."""
