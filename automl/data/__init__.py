"""From a file to a typed table: reading, the schema and its reasons, splits, views."""
