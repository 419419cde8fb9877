"""The packing table: parcels by scan, their labels, the papers that go with them, and where they are afterwards."""
