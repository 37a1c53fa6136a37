"""Simulated marketplaces and the truth about them."""
