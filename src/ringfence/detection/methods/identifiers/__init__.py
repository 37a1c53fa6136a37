"""Holders of shared identifiers, judged as groups: those who met once each add up."""
