"""A simulated county (模拟县) that plays the departments; all personal data are synthetic."""
