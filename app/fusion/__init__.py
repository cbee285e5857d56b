"""The networks and how they run. Imports no torch itself; every module here that does comes after this one.

OpenMP's threads wait asleep instead of spinning: on two cores shared with anything else, the thread that spins at a
barrier takes the processor from the one it waits for, and a slice takes five times as long.
"""

import os

from app.base import memory

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch loads its OpenMP
memory.keep_freed()
