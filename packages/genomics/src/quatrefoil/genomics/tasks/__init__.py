"""What is measured in genomics."""
