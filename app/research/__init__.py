"""Train the networks, and measure them beside other methods."""
