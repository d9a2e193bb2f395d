"""Ablation studies of the models of video, sound and text."""
