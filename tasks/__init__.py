"""Task files for the harness: a package, so that a harness that discovers tasks finds this folder by its name."""
