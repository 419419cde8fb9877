"""Waves: several orders of a place picked in one walk, each into a tote of its own, by one person at a time."""
