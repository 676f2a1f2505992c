"""The command line with the tiny study of emergence."""

from tests.designs.own_studies import main

if __name__ == "__main__":
    main("tests.designs.tiny_emergence")
