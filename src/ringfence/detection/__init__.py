"""A market in, rings out; one file a step; knows no store and no file."""
