"""Variants: read from VCF, put into their windows, scored, and added up over a cohort."""
