"""Variants with a class, as data of a recipe."""
