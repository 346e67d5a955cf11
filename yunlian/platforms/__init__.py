"""Clients of the outside platforms, and a sandbox that plays their side. Knows no business and no Django.

Each platform is a folder: a thin client over `httpx`, the callbacks it sends, and its part of the sandbox. Shared are
the one error (`errors`), tokens kept once per app across processes (`tokens`), pacing under the platform's limits
(`pacing`), the core of the sandbox (`sandbox/`) and its server (`serve`).
"""
