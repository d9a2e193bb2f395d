"""What a training run is made of: settings, optimiser, schedule, checkpoints, tracking, and the loop."""
