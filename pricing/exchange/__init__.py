"""Prices, costs and promotions as files: read with every fault told, compared first, written at once, exported again."""
