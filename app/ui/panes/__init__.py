"""The pictures: panes, what the mouse does in them, and how marks are painted."""
