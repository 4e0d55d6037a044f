"""Batches: who is in one, how its items draw and travel between processes."""
