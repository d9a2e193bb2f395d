"""Real labelled sequences: pre-trained, from random weights, and the baselines, under one selection."""
