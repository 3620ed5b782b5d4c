"""NLI data: where it comes from (``sources``) and how it is read, checked and written (``records``, ``rows``)."""
