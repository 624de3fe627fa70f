"""One limitation per module; each registers itself in `efficienttrust.data.limitations.limitations`."""
