"""How the wire spells a call: SOAP or the servlet. Nothing here does I/O."""
