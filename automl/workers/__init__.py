"""Ray Tune, the workers and their limits: the only room that imports Ray."""
