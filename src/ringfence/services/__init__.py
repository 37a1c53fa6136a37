"""One use case a function; the only layer that combines the ones below."""
