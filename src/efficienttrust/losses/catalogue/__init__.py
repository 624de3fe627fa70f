"""One fairness penalty per module; each registers itself in `efficienttrust.losses.penalties`."""
