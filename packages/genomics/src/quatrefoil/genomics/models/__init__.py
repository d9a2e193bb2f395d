"""Models of genome sequence and regions."""
