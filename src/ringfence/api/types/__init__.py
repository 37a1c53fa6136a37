"""The types of the schema, a file a subject; their docstrings are what GraphiQL shows."""
