"""Files in, a normalised and pseudonymised market out; no other layer ever sees an identifier's text."""
