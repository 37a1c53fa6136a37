"""Ringfence finds groups of buyers who coordinate refunds without return against many merchants."""
