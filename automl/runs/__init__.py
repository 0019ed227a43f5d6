"""The run directory: what is in it, its journal, and reading both back."""
