"""Simulated marketplaces and the truth about them."""

from ringfence.generator.groups import Lookalike, Pattern
from ringfence.generator.marketplace import Marketplace, generate_marketplace
from ringfence.generator.options import GeneratorOptions
from ringfence.generator.writing import FolderTakenError, is_free, write_marketplace

__all__ = [
    "FolderTakenError",
    "GeneratorOptions",
    "Lookalike",
    "Marketplace",
    "Pattern",
    "generate_marketplace",
    "is_free",
    "write_marketplace",
]
