"""The methods that propose rings: a folder each, with one function from `Prepared` to `Candidate`s."""
