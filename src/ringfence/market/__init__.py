"""A marketplace as arrays: the one shape between files, stores and detection."""

from ringfence.market.market import Claims, Identifiers, Market, Orders, Sketches

__all__ = ["Claims", "Identifiers", "Market", "Orders", "Sketches"]
