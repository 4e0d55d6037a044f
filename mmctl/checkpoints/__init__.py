"""Checkpoints read without trust: whole files, plain values, weights that fit."""
