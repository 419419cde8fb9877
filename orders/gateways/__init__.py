"""Doors to those who move money: one port, one module for each provider."""
