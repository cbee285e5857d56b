"""What opens over the window: export, help, cards of networks."""
