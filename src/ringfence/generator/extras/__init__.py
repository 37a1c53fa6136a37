"""Rings and look-alikes that a marketplace holds only when they are requested by name."""
