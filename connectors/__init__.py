"""Connectors (接口): fetch what departments offer and land it as immutable batches."""
