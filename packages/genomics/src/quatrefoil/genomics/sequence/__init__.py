"""DNA as text and as numbers."""
