"""Keypoints and heatmaps that were made once: their files, and how they come from others."""
