"""The service definition (WSDL): found, compiled with zeep, compared, saved."""
