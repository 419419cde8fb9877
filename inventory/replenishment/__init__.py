"""Replenishment: demand, its forecast, the rules made from it, and proposals that people approve."""
