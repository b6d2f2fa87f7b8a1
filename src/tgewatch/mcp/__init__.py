"""The store as an MCP server: what assistants may ask, and the little that they may do.

Only `server` and `stdio` know the protocol's library, the extra `mcp`.
"""
