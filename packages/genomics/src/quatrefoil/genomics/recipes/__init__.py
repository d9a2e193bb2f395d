"""Recipes of genomics."""
