"""Providers as data: one TOML file each, with the source and date of every quirk. No provider's name is in the code."""

from convert.providers.loader import Dialect, Provider, guess, load, named

__all__ = ["Dialect", "Provider", "guess", "load", "named"]
