"""The words of the business: identifiers, money, errors, progress; imports no third party."""
