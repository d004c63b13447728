"""The only place that touches Django: its set-up, models, connections, validation and saving.

Nothing of it is imported before a component is used, so that flows can be declared beside models and read from
documents where Django is not set up yet.
"""
