"""Procurement: suppliers, what is ordered of them, what came, and what their deliveries taught us."""
