"""Rings and leads written for other tools: CSV, GEXF, GraphML, JSON, NetworkX, and a page of pictures."""

from ringfence.export.formats import Format, export_leads, export_rings, render_leads, render_rings
from ringfence.export.graph import select_leads, select_rings, to_networkx
from ringfence.export.page import render_page, write_page
from ringfence.export.run_folder import RunFolder, read_run, refuse_strangers, write_run
from ringfence.export.tables import conform, read_table, write_table

__all__ = [
    "Format",
    "RunFolder",
    "conform",
    "export_leads",
    "export_rings",
    "read_run",
    "read_table",
    "refuse_strangers",
    "render_leads",
    "render_page",
    "render_rings",
    "select_leads",
    "select_rings",
    "to_networkx",
    "write_page",
    "write_run",
    "write_table",
]
