from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """A cache of one's own: no test reads what another decoded, or leaves files behind."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(folder))
    return folder
