"""The pages of an artifact's evidence."""
