"""Reading video and sound, choosing frames, augmenting them. Nothing is opened, and no decoder loaded, at import."""
