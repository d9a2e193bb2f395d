"""Peaks, motif hits and the (motif x region) matrix; needs `pip install "quatrefoil-genomics[regions]"`."""
