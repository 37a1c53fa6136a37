"""Rings grown from weak pairs: evidence adds up over a group although no pair of it is significant."""
