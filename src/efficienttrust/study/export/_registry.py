"""The ways out of a store, by name."""

from __future__ import annotations

from collections.abc import Callable

from efficienttrust.registry import Registry
from efficienttrust.study.store import Store

Exporter = Callable[[Store, str], str]
"""Writes what a store holds to a place (a path, or an address) and returns where it is, for people."""

exporters: Registry[Exporter] = Registry("export format", "efficienttrust.study.export.catalogue")
