"""Which rows a fit sees and which score it: the ladder, folds, repeats."""
