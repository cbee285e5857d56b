"""Ten measures of a fused picture, each one function with its source."""
