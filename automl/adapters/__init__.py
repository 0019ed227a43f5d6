"""Models of libraries behind the host's protocol: scikit-learn, boosters, skops files."""
