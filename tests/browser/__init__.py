"""What a user sees in JupyterLab and Notebook 7: one browser serves all files here."""
