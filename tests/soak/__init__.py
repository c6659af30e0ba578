"""Thousands of invocations while everything is killed at random: ``make soak``."""

from .run import Settings, Soak

__all__ = ["Settings", "Soak"]
