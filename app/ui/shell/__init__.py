"""What frames the work: commands, keys, messages, theme, status."""
