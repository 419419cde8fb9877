"""Scarcity, said honestly: from which facts, of which places, in which words, for which channel."""
