"""The locks that image and environments are made from: refreshed, listed, and installed from.

Works with the standard library, and with the programs that the sessions locks and sbom install.
"""
