"""Expectations (校验): contract to Great Expectations suite to verdict; returns, never writes."""
