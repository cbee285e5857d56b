"""What frames the work: keys, messages, theme, status."""
