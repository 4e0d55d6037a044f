"""Commands: how tools start, fail, run others and share a folder."""
