"""From inputs of any kind to features of tracklets: items, clips, batches, sums."""
