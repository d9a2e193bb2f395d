"""Words that pre-trained experts see or hear in a clip: how they are made, kept and chosen."""
