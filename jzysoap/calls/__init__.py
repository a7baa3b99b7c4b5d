"""The operations as a caller sees them: recipients, message text, and a parser for each answer."""
