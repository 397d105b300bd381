"""The notebook face: magics, completion and display."""
