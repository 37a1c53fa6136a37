"""Rings and labels in, figures of merit out."""
