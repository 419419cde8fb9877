"""The desk of promotions in the admin: drafts with forms, what they change, what stands in the way, and who says yes."""
