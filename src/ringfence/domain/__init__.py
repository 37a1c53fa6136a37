"""The words of the business: identifiers, money, errors, progress. Imports nothing of ours and no third party."""
