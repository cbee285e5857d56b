"""The digital head: the demo study, and the truth that tests compare with."""
