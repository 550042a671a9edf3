"""What a path or standard input holds, turned into neutral exchanges."""
