"""The slow, obvious model of the engine: plain dictionaries, the standard library, and the published rules.

It shares no code with the engine and is written from the specification alone, so that where the two agree
something is known. Nothing here is fast, and nothing here should be.
"""
