"""What a model sees in a sequence, as pictures."""
