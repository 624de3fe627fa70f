"""One augmentation per module; each registers itself in `efficienttrust.training.augmentation.augmentations`."""
