"""The networks and how they run. Importing it changes nothing in the process; see `app.base.process`."""
