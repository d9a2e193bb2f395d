"""Ablation studies: what is varied, about which models, on which data; what has to be run; what came out."""
