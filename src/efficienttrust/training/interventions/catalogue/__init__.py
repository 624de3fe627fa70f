"""One fairness intervention per module; each registers itself in `efficienttrust.training.interventions`."""
