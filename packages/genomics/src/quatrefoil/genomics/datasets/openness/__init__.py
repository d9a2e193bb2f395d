"""Where regions are open, in cell types that need not be those of training."""
