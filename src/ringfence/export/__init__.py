"""Rings written for other tools: CSV, GEXF, GraphML, JSON, NetworkX, and a page of pictures."""
