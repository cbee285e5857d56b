"""From files to series and volumes: what a file is, and who reads it. No torch, no window."""
