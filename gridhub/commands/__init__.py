"""The commands of ``gridhub``, a module a subject."""
