"""Promising: what may be promised beyond what is on hand, by when, to whom first, and how much to one customer."""
