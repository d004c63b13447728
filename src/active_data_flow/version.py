"""The version of the package, read by the build and by the check of plugins."""

VERSION = "0.1.0"
