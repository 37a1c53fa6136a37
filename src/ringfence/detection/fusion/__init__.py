"""One list of rings from the candidates of all methods."""
