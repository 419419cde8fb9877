"""Transport: goods on their way between our own places, and what arrived other than sent."""
