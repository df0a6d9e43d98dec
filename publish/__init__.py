"""Publication (发布): each recipient's extract, as its agreement says."""
