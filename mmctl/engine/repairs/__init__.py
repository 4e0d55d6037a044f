"""What is patched in MMEngine, and nothing else."""
