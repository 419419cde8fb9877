"""What prices and campaigns did, learnt from sales: with intervals, and an honest "not enough data"."""
