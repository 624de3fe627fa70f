"""The colours of a report, in two schemes: Okabe-Ito hues for marks, greys for text, written as CSS variables.

One role has one hue and one shape everywhere: blue circle = as trained, vermillion triangle = after virtual
calibration, green diamond = the deployed file. Text keeps a contrast of at least 4.5:1, marks of at least 3:1.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "panel": "#f5f6f7",
    "zone": "#f0f6f3",
    "ink": "#1a1d21",
    "muted": "#555c65",
    "rule": "#cfd4da",
    "grid": "#e3e6ea",
    "link": "#005a8e",
    "blue": "#0072b2",
    "vermillion": "#d55e00",
    "green": "#009e73",
    "grey": "#6b737d",
}
DARK: Mapping[str, str] = {
    "paper": "#15181b",
    "panel": "#1d2125",
    "zone": "#1b2a26",
    "ink": "#e6e8eb",
    "muted": "#a9b1ba",
    "rule": "#434a52",
    "grid": "#2b3036",
    "link": "#7cc4f0",
    "blue": "#56b4e9",
    "vermillion": "#e8752a",
    "green": "#12b386",
    "grey": "#98a1ab",
}


def variables(scheme: Mapping[str, str]) -> str:
    """Return a scheme as CSS custom properties."""
    return " ".join(f"--{name}: {value};" for name, value in scheme.items())
