"""From registered pairs to weights: losses, the loop, recipes."""
