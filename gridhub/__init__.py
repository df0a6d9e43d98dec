"""The roof: settings, the pipeline and the command line."""
