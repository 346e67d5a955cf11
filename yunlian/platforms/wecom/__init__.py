"""WeCom 企业微信: client, callbacks and sandbox. README.md shows it as a library."""
