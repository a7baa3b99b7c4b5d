"""Values without behaviour: models, errors, HTTP requests and replies. Nothing here does I/O."""
