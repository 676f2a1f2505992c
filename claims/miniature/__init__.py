"""The miniature world as a study of its own: claims that check the judge, with targets from an independent run."""
