"""All that keys and menus can do: one list of commands, a module for each menu, and the actions made from it."""
