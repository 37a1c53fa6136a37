"""Simulated marketplaces and the truth about them."""

from ringfence.generator.extras.adding import add_extras
from ringfence.generator.extras.names import ExtraLookalike, ExtraPattern
from ringfence.generator.groups import Lookalike, Pattern
from ringfence.generator.marketplace import generate_marketplace
from ringfence.generator.options import GeneratorOptions
from ringfence.generator.recording import Marketplace
from ringfence.generator.writing import FolderTakenError, holds_marketplace, is_free, write_marketplace

__all__ = [
    "ExtraLookalike",
    "ExtraPattern",
    "FolderTakenError",
    "GeneratorOptions",
    "Lookalike",
    "Marketplace",
    "Pattern",
    "add_extras",
    "generate_marketplace",
    "holds_marketplace",
    "is_free",
    "write_marketplace",
]
