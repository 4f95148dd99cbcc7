"""The run becomes rows of styled text. No Textual."""
