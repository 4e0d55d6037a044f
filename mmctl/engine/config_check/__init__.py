"""Configs of runs: read, overridden, checked before anything is built."""
