"""Images: found among the columns of a table, read, and held as one column of pixels."""
