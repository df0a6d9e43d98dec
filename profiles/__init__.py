"""Profiles (一户一档): households, survivorship, the profile document."""
