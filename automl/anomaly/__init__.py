"""Anomaly detection: reference detectors, the scale of scores, supervision by pseudo-labels."""
