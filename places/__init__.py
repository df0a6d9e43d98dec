"""Places (地址): the county directory; resolves an address to a dwelling."""
