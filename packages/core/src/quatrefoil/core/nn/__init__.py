"""Attention, transformer blocks and heads that every model shares."""
