"""The container image and the locks that it is made from: built and tried, refreshed, listed, and installed from.

Works with the standard library, and with the programs that the sessions container, locks and sbom install.
"""
