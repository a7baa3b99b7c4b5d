"""Bytes to text, and text to XML, also where a server got either wrong."""
