"""The plugin host: the hooks, and the plugins that are installed."""
