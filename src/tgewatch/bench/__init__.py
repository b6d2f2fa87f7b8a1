"""What the program costs and gains, measured against the shipped world: `tgewatch bench`.

The world and every client live in processes of their own and take turns. The servers' log judges:
requests, connections, answers, and when messages arrived. Each row of a feature has the same
measurement with the feature switched off beside it.
"""
