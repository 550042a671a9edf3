"""What people read of outcomes, in their language: on terminals, in Markdown, in spreadsheets."""
