"""A market in, rings out; one file per step; knows no store and no file.

In the order of `detect.find_rings`: times, doors, sharing, timeline, closeness, tail, pairs, exposure, taste,
events, growth, acceptance, rings; then, in the order of `report.report`: records, membership, links, reasons,
lineage, networks. Another way of finding groups (dense blocks, which need no times) would stand beside
`rings` and hand the same `GrownRing`s to `report`.
"""
