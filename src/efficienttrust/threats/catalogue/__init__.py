"""One attack per module; each registers itself in `efficienttrust.threats.attacks`."""
