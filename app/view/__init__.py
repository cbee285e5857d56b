"""From a case and where one looks to pixels, words and marks of a pane; no Qt."""
