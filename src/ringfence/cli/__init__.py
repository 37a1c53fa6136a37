"""The command line, a file a group of commands: parse, build, one call, print."""
