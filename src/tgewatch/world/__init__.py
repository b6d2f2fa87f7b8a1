"""The simulated web behind demo and bench; shares no code with the clients."""
