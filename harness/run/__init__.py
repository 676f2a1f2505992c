"""A plan made, resumed, watched and handed to the report."""
