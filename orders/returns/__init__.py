"""Returns: goods come back from anywhere, are looked at, booked and paid back; each unit once."""
