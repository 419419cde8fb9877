"""Places: where goods lie, how they are grouped, where on the map, and how long goods are on the road between them."""
