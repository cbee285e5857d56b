"""What every module may use: errors a user can mend, progress, settings, memory, assets; no domain."""
