"""The desk, over a real server."""
