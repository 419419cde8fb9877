"""Money of orders: what was paid, what is asked of providers, what is owed back."""
