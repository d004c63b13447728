"""An app whose flows take their time."""
