"""One trainer per module; each registers itself in `efficienttrust.training.trainers`."""
