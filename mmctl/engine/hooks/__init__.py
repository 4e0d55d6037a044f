"""Hooks that watch a run: weights that fit, losses that are finite, numbers in the log."""
