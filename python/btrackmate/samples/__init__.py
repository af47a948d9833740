"""Sample data: a seeded renderer of membrane-labelled tissue and the shipped samples."""
