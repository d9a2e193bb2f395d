"""What a model with sound has learned, as pictures to look at."""
