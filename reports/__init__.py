"""Reports (报告): scorecards, reconciliation, exports and evaluation."""
