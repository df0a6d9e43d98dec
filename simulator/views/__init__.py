"""See docs/architecture.md, the simulated county."""
