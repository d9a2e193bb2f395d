"""Genome sequence on Quatrefoil's core."""
