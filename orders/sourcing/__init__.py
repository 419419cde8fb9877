"""From where an order is served, as pure decisions: problems and policies in, plans with their reasons out. [pure]"""
