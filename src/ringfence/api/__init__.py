"""GraphQL over HTTP: a file a subject."""
