"""Reports turned into text: pure functions from plain values to lines, 80 columns wide."""
