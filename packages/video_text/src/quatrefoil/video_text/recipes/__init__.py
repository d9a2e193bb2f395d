"""Runs, by name; `quatrefoil recipes` lists them."""
