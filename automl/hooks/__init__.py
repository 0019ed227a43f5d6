"""The plugin host: what can be plugged in, and what is."""
