"""Keeping an installation in order: what `llm7router doctor` looks at, and what `providers update` changes."""
