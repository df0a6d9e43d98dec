"""Contracts (数据契约): what each department promised, read and checked into frozen values."""
