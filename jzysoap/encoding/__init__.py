"""Bytes to text, and text to XML, also for servers that get either wrong."""
