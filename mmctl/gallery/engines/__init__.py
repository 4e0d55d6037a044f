"""Indices behind one interface; each can be rebuilt from the rows of the database."""
