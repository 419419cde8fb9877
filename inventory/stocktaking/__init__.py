"""Stocktaking: what is to be counted, counted blindly, compared as of its own moment, and decided by a second person."""
