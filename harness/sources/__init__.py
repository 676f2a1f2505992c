"""Outside things by their pins: where each lies, what was seen on first use, and how it comes here."""
