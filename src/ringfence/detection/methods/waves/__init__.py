"""The same buyers at one merchant, wave after wave."""
