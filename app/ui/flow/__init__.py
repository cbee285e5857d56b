"""What happens when: opening, linking, fusing, each off the GUI thread; where widgets meet."""
