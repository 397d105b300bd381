"""The pure middle: frozen data and functions without effects."""
