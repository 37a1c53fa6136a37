"""A second simulator of marketplaces, made apart from the product's generator, to judge the detector by."""
