"""One document for all that is being read, and the use cases on it; no window."""
