"""Pre-training on windows of a genome and the regulatory regions about them."""
