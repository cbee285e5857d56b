"""Tables, statistics, lesions, robustness and efficiency of fused pictures."""
