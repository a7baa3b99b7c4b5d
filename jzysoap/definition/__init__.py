"""The service definition (WSDL): where it comes from, compiled with zeep, compared, saved."""
