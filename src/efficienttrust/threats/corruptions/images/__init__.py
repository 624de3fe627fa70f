"""What the image corruptions share (linear maps along an axis, blurs) and, under `catalogue`, one module for each."""
