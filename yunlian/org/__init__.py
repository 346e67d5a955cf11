"""Enterprises, departments, positions, employees, users, roles, sign-in."""
