"""The search: configurations climb the ladder, every finished rung is journalled."""
