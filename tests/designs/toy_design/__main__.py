"""The command line with the toy study."""

from tests.designs.own_studies import main

if __name__ == "__main__":
    main("tests.designs.toy_design")
