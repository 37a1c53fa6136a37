"""Rings written for other tools: CSV, GEXF, GraphML, JSON, NetworkX, and a page of pictures."""

from ringfence.export.run_folder import RunFolder, read_run, write_run
from ringfence.export.tables import SCHEMAS, conform, read_table, write_table

__all__ = ["SCHEMAS", "RunFolder", "conform", "read_run", "read_table", "write_run", "write_table"]
