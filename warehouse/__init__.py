"""The grid warehouse (网格数据仓库): record tables with history, batch states, loading."""
