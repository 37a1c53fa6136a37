"""A marketplace as arrays: the one shape between files, stores and detection."""

from ringfence.market.claimants import of_claimants
from ringfence.market.market import Claims, Floats, Identifiers, Ints, Longs, Market, Orders, Sketches

__all__ = ["Claims", "Floats", "Identifiers", "Ints", "Longs", "Market", "Orders", "Sketches", "of_claimants"]
