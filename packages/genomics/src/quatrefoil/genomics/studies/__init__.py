"""Ablation studies of the models of the genome."""
