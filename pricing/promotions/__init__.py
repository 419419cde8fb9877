"""Promotions: what they ask for, what they give, and how several of them share one basket."""
