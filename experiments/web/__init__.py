"""A page for the bench and a service for the robot: one ASGI application over campaigns."""
