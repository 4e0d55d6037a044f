"""A fuzzer of every reader of foreign files: structure-aware, seeded, bounded, in process."""
