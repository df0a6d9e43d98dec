"""National standards (国家标准) as pure column functions: Arrow in, Arrow out, no I/O."""
