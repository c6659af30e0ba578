"""What the helper stack grants, and what the stories use of it."""
